using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace Flannel.Testbed;

/// <summary>A key of etcd with its value.</summary>
/// <param name="LeaseId">The etcd lease that the key is attached to; 0 for none.</param>
public sealed record EtcdKey(string Key, string Value, long LeaseId, long CreateRevision, long ModRevision);

/// <summary>The granted and the remaining time of an etcd lease.</summary>
public sealed record EtcdLeaseTime(TimeSpan Granted, TimeSpan Remaining);

/// <summary>Reads and writes keys through etcd's JSON gateway, independent of the client under test.</summary>
public sealed class EtcdGateway(HttpClient http)
{
    public async Task<EtcdKey?> GetAsync(string key, CancellationToken cancel) =>
        (await RangeAsync(new JsonObject { ["key"] = Encode(key) }, cancel)).SingleOrDefault();

    /// <summary>All keys that start with the prefix, in order.</summary>
    public Task<IReadOnlyList<EtcdKey>> ListAsync(string prefix, CancellationToken cancel)
    {
        var end = Encoding.UTF8.GetBytes(prefix);
        end[^1]++;
        return RangeAsync(new JsonObject { ["key"] = Encode(prefix), ["range_end"] = Convert.ToBase64String(end) }, cancel);
    }

    /// <param name="leaseId">The etcd lease to attach the key to; 0 for none.</param>
    public Task PutAsync(string key, string value, CancellationToken cancel, long leaseId = 0) =>
        PostAsync("kv/put", new JsonObject { ["key"] = Encode(key), ["value"] = Encode(value), ["lease"] = leaseId }, cancel);

    /// <summary>Deletes a key. False if it did not exist.</summary>
    public async Task<bool> DeleteAsync(string key, CancellationToken cancel) =>
        Number(await PostAsync("kv/deleterange", new JsonObject { ["key"] = Encode(key) }, cancel), "deleted") > 0;

    /// <summary>Revokes an etcd lease, which deletes every attached key.</summary>
    public Task RevokeAsync(long leaseId, CancellationToken cancel) =>
        PostAsync("lease/revoke", new JsonObject { ["ID"] = leaseId }, cancel);

    /// <summary>Grants an etcd lease and returns its id.</summary>
    public async Task<long> GrantAsync(TimeSpan timeToLive, CancellationToken cancel) =>
        Number(
            await PostAsync("lease/grant", new JsonObject { ["TTL"] = (long)timeToLive.TotalSeconds }, cancel), "ID");

    public async Task<EtcdLeaseTime> TimeToLiveAsync(long leaseId, CancellationToken cancel)
    {
        var response = await PostAsync("lease/timetolive", new JsonObject { ["ID"] = leaseId }, cancel);
        return new(TimeSpan.FromSeconds(Number(response, "grantedTTL")), TimeSpan.FromSeconds(Number(response, "TTL")));
    }

    private async Task<IReadOnlyList<EtcdKey>> RangeAsync(JsonObject request, CancellationToken cancel)
    {
        var response = await PostAsync("kv/range", request, cancel);
        return [.. (response["kvs"]?.AsArray() ?? []).Select(entry => new EtcdKey(
            Decode(entry!["key"]!), entry["value"] is { } value ? Decode(value) : "", Number(entry, "lease"),
            Number(entry, "create_revision"), Number(entry, "mod_revision")))];
    }

    private async Task<JsonNode> PostAsync(string path, JsonObject request, CancellationToken cancel)
    {
        using var response = await http.PostAsJsonAsync(new Uri($"/v3/{path}", UriKind.Relative), request, cancel);
        var text = await response.Content.ReadAsStringAsync(cancel);
        return response.IsSuccessStatusCode
            ? JsonNode.Parse(text)!
            : throw new TestbedException($"etcd {path}: {(int)response.StatusCode} {text}");
    }

    /// <summary>The gateway writes 64-bit numbers as strings and omits zeros.</summary>
    private static long Number(JsonNode node, string name) =>
        node[name] is { } value ? long.Parse(value.ToString(), System.Globalization.CultureInfo.InvariantCulture) : 0;

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Decode(JsonNode node) => Encoding.UTF8.GetString(Convert.FromBase64String(node.GetValue<string>()));
}
