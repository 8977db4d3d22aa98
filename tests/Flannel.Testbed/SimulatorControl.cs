using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Flannel.Testbed;

/// <summary>An entry of a route table of the simulated cloud.</summary>
public sealed record RouteEntry(
    string RouteTableId, string RouteEntryId, string DestinationCidrBlock, string Status, string Type,
    string? RouteEntryName, string? Description,
    string? NextHopType, string? NextHopId, string? NextHopPrivateIp);

/// <summary>The facts of a network interface that the VPC's router uses.</summary>
public sealed record InterfaceState(string NetworkInterfaceId, string? InstanceId, string PrivateIp, bool SourceDestCheck);

/// <summary>The state that the VPC's router forwards by.</summary>
public sealed record RoutingState(long Version, IReadOnlyList<RouteEntry> Routes, IReadOnlyList<InterfaceState> Interfaces);

/// <summary>A call that the simulated cloud processed.</summary>
/// <param name="Time">When it arrived, UTC.</param>
/// <param name="Milliseconds">From then to its effect.</param>
public sealed record CloudCall(
    long N, DateTimeOffset Time, string Service, string Action, string? InstanceId, string? AccessKeyId, JsonObject? Parameters, int Status,
    string? Code, string RequestId, double Milliseconds = 0);

/// <summary>The control API of the simulated cloud: reads its state, injects faults, and changes it as an operator does at the
/// console.</summary>
public sealed class SimulatorControl(HttpClient http) : IDisposable
{
    private static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web);

    /// <summary>The custom entries, without system entries.</summary>
    public async Task<IReadOnlyList<RouteEntry>> CustomRoutesAsync(CancellationToken cancel)
    {
        var entries = await GetAsync<List<RouteEntry>>($"/state/routes?vpcId={CloudSetup.VpcId}", cancel);
        return [.. entries.Where(entry => entry.Type == "Custom")];
    }

    /// <summary>Waits up to 30 s for a version newer than <paramref name="after"/>.</summary>
    public Task<RoutingState> WatchRoutesAsync(long after, CancellationToken cancel) =>
        GetAsync<RoutingState>($"/state/routes/watch?after={after}", cancel);

    public Task<JsonObject> StateAsync(CancellationToken cancel) => GetAsync<JsonObject>("/state", cancel);

    public Task<List<CloudCall>> CallsAsync(CancellationToken cancel, long after = 0) =>
        GetAsync<List<CloudCall>>($"/calls?after={after}", cancel);

    /// <summary>Calls to the APIs, without the metadata service.</summary>
    public async Task<IReadOnlyList<CloudCall>> ApiCallsAsync(CancellationToken cancel) =>
        [.. (await CallsAsync(cancel)).Where(call => call.Service != "metadata")];

    public Task ClearCallsAsync(CancellationToken cancel) => SendAsync(HttpMethod.Delete, "/calls", null, cancel);

    /// <summary>Adds a fault with the members of the control API: service, action, times, kind, code, httpStatus, delayMilliseconds,
    /// …</summary>
    public Task AddFaultAsync(object fault, CancellationToken cancel) => SendAsync(HttpMethod.Post, "/faults", fault, cancel);

    public Task ClearFaultsAsync(CancellationToken cancel) => SendAsync(HttpMethod.Delete, "/faults", null, cancel);

    /// <summary>Makes the APIs refuse connections.</summary>
    public Task StopApiAsync(CancellationToken cancel) => SendAsync(HttpMethod.Post, "/api/stop", null, cancel);

    public Task StartApiAsync(CancellationToken cancel) => SendAsync(HttpMethod.Post, "/api/start", null, cancel);

    /// <summary>Deletes an entry at once, as an operator does at the console.</summary>
    public Task DeleteRouteAsync(string routeEntryId, CancellationToken cancel) =>
        SendAsync(HttpMethod.Delete, $"/routes/{routeEntryId}", null, cancel);

    /// <summary>Creates an entry at once, as an operator does at the console.</summary>
    public Task CreateRouteAsync(
        string destination, string instanceId, CancellationToken cancel, string name = "", string description = "",
        string routeTableId = CloudSetup.RouteTableId) => SendAsync(
            HttpMethod.Post, "/routes",
            new
            {
                routeTableId,
                destinationCidrBlock = destination,
                nextHopType = "Instance",
                nextHopId = instanceId,
                routeEntryName = name,
                description,
            },
            cancel);

    /// <summary>Sets another instance as the next hop of an entry.</summary>
    public Task UpdateRouteAsync(string routeEntryId, string instanceId, CancellationToken cancel) =>
        SendAsync(HttpMethod.Patch, $"/routes/{routeEntryId}", new { nextHopId = instanceId, nextHopType = "Instance" }, cancel);

    /// <summary>Adds a custom route table to the VPC. It serves no vSwitch.</summary>
    public Task AddRouteTableAsync(string routeTableId, CancellationToken cancel) => SendAsync(
        HttpMethod.Post, $"/vpcs/{CloudSetup.VpcId}/routeTables", new { routeTableId, routeTableType = "Custom" }, cancel);

    public Task SetSourceDestCheckAsync(string networkInterfaceId, bool on, CancellationToken cancel) =>
        SendAsync(HttpMethod.Patch, $"/interfaces/{networkInterfaceId}", new { sourceDestCheck = on }, cancel);

    /// <summary>Enables IPv6 in the VPC.</summary>
    public Task SetIpv6Async(string ipv6CidrBlock, CancellationToken cancel) =>
        SendAsync(HttpMethod.Patch, $"/vpcs/{CloudSetup.VpcId}", new { ipv6CidrBlock }, cancel);

    public Task SetIpv6AddressesAsync(string networkInterfaceId, IReadOnlyList<string> ipv6s, CancellationToken cancel) =>
        SendAsync(HttpMethod.Patch, $"/interfaces/{networkInterfaceId}", new { ipv6s }, cancel);

    public Task SetRoleAsync(string role, IReadOnlyList<string> deniedActions, CancellationToken cancel) =>
        SendAsync(HttpMethod.Post, $"/roles/{role}", new { deniedActions }, cancel);

    /// <summary>Invalidates all keys that were issued for the role.</summary>
    public Task RevokeKeysAsync(string role, CancellationToken cancel) => SendAsync(HttpMethod.Post, $"/roles/{role}/revoke", null, cancel);

    /// <summary>Sets the only token that an OIDC provider accepts; the former one counts as expired.</summary>
    public Task SetOidcTokenAsync(string provider, string token, CancellationToken cancel) =>
        SendAsync(HttpMethod.Post, $"/oidcProviders/{provider}", new { tokens = new[] { token } }, cancel);

    /// <summary>Attaches a role to an instance; null detaches it.</summary>
    public Task SetRamRoleAsync(string instanceId, string? role, CancellationToken cancel) =>
        SendAsync(HttpMethod.Patch, $"/instances/{instanceId}", new { ramRole = role }, cancel);

    public Task SetSettingsAsync(object settings, CancellationToken cancel) => SendAsync(HttpMethod.Patch, "/settings", settings, cancel);

    public void Dispose() => http.Dispose();

    private async Task<T> GetAsync<T>(string path, CancellationToken cancel) =>
        await http.GetFromJsonAsync<T>(new Uri(path, UriKind.Relative), json, cancel)
            ?? throw new TestbedException($"simulated cloud: GET {path}: null");

    private async Task SendAsync(HttpMethod method, string path, object? body, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        request.Content = body is null ? null : JsonContent.Create(body, options: json);
        using var response = await http.SendAsync(request, cancel);
        if (!response.IsSuccessStatusCode)
        {
            var text = await response.Content.ReadAsStringAsync(cancel);
            throw new TestbedException($"simulated cloud: {method} {path}: {(int)response.StatusCode} {text}");
        }
    }
}
