using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using AliCloud.Simulator.Hosting;
using AliCloud.Simulator.Observing;
using AliCloud.Simulator.Setup;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Control;

/// <summary>The control API for tests over HTTP: it reads the state, injects faults, and makes the changes of an operator.</summary>
internal sealed class ControlApi(SimulatedCloud cloud)
{
    private static readonly TimeSpan LongestPoll = TimeSpan.FromSeconds(30);
    private static readonly JsonSerializerOptions Json = new(CloudSetupJson.Options)
    {
        // Statuses are spelled as in the API, kinds of faults in camelCase.
        Converters = { new JsonStringEnumConverter<EntryState>(), new JsonStringEnumConverter<FaultKind>(JsonNamingPolicy.CamelCase,
            allowIntegerValues: false) },
    };

    private OperatorConsole Console => cloud.Console;

    public async Task HandleAsync(HttpContext context)
    {
        WireAnswer answer;
        try
        {
            var body = await Wire.BodyAsync(context);
            var result = await RouteAsync(context, body);
            answer = result is null ? Error(404, "NotFound", $"{context.Request.Method} {context.Request.Path}") : WireAnswer.Json(
                200, result, Json);
        }
        catch (ConsoleException e)
        {
            answer = Error(e.Code.Contains("NotFound", StringComparison.Ordinal) ? 404 : 400, e.Code, e.Message);
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException or IOException)
        {
            answer = Error(400, "BadRequest", e.Message);
        }

        await Wire.SendAsync(context, answer);
    }

    private async Task<object?> RouteAsync(HttpContext context, byte[] body)
    {
        var path = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return (context.Request.Method, path) switch
        {
            ("GET", ["state"]) => StateDocument.Write(cloud.State, cloud.MetadataByInstance),
            ("GET", ["state", "routes"]) => cloud.State.Snapshot(Query(context, "vpcId")).Routes,
            ("GET", ["state", "routes", "watch"]) =>
                await cloud.State.SnapshotAfterAsync(
                    Number(context, "after"), LongestPoll, context.RequestAborted, Query(context, "vpcId")),
            ("GET", ["calls"]) => cloud.Calls.After(Number(context, "after")),
            ("GET", ["calls", "summary"]) => cloud.Calls.Summary(Number(context, "after")),
            ("DELETE", ["calls"]) => Do(cloud.Calls.Clear),
            ("POST", ["faults"]) => new { Id = cloud.Faults.Add(Read<Fault>(body)) },
            ("GET", ["faults"]) => cloud.Faults.All,
            ("DELETE", ["faults"]) => Do(cloud.Faults.Clear),
            ("DELETE", ["faults", var id]) => cloud.Faults.Remove(id) ? new { } : null,
            ("POST", ["api", "stop"]) => await DoAsync(cloud.StopApiAsync()),
            ("POST", ["api", "start"]) => await DoAsync(cloud.StartApiAsync(context.RequestAborted)),
            ("POST", ["metadata", "stop"]) => await DoAsync(cloud.StopMetadataAsync()),
            ("POST", ["metadata", "start"]) => await DoAsync(cloud.StartMetadataAsync(context.RequestAborted)),
            ("POST", ["instances"]) =>
                new { MetadataUrl = await cloud.AddInstanceAsync(Read<InstanceSetup>(body), context.RequestAborted) },
            ("DELETE", ["instances", var id]) => await DoAsync(cloud.DeleteInstanceAsync(id, Query(context, "force") == "true")),
            _ => Operate(context, body, path),
        };
    }

    private object? Operate(HttpContext context, byte[] body, string[] path)
    {
        switch (context.Request.Method, path)
        {
            case ("POST", ["routes"]):
                var route = Object(body);
                var table = Take<string>(route, "routeTableId");
                return new { RouteEntryId = Console.CreateRoute(table, route.Deserialize<RouteEntrySetup>(Json)!) };
            case ("DELETE", ["routes"]):
                return Do(() => Console.DeleteRoute(
                    Query(context, "routeTableId") ?? throw new FormatException("routeTableId is missing"),
                    Query(context, "destinationCidrBlock") ?? throw new FormatException("destinationCidrBlock is missing")));
            case ("DELETE", ["routes", var id]):
                return Do(() => Console.DeleteRoute(id));
            case ("PATCH", ["routes", var id]):
                var hop = Read<HopPatch>(body);
                return Do(() => Console.UpdateRoute(id, hop.NextHopId, hop.NextHopType ?? "Instance"));
            case ("PATCH", ["settings"]):
                return Console.Settings = Patched(Console.Settings, Object(body));
            case ("PATCH", ["interfaces", var id]):
                var changes = Object(body);
                if (changes.ContainsKey("sourceDestCheck") || changes.Count == 0)
                    Console.SetSourceDestCheck(id, Take<bool>(changes, "sourceDestCheck"));
                if (changes.ContainsKey("ipv6s")) Console.SetIpv6Addresses(id, Take<List<string>>(changes, "ipv6s"));
                if (changes.Count > 0) throw new FormatException("an interface has no " + changes.First().Key + " to change");
                return new { };
            case ("PATCH", ["vpcs", var id]):
                return Do(() => Console.SetIpv6(id, (string?)Object(body)["ipv6CidrBlock"]));
            case ("POST", ["roles", var name]):
                var role = Object(body);
                if (role.ContainsKey("deniedActions") || role.Count == 0) Console.SetDeniedActions(
                    name, Take<List<string>>(role, "deniedActions"));
                if (role.ContainsKey("trustedBy")) Console.SetTrustedBy(name, Take<List<string>>(role, "trustedBy"));
                return role.Count == 0 ? new { } : throw new FormatException("a role has no " + role.First().Key + " to change");
            case ("POST", ["roles", var name, "revoke"]):
                return Do(() => Console.RevokeSessions(name));
            case ("POST", ["accessKeys"]):
                return Do(() => Console.SetAccessKey(Read<AccessKeySetup>(body)));
            case ("PATCH", ["accessKeys", var id]):
                return Do(() => Console.SetInactive(id, Take<bool>(Object(body), "inactive")));
            case ("DELETE", ["accessKeys", var id]):
                return Do(() => Console.DeleteAccessKey(id));
            case ("POST", ["oidcProviders", var name]):
                return Do(() => Console.SetOidcTokens(name, Take<List<string>>(Object(body), "tokens")));
            case ("PATCH", ["vswitches", var id]):
                return Do(() => Console.SetRouteTable(id, Take<string>(Object(body), "routeTableId")));
            case ("POST", ["vpcs", var id, "routeTables"]):
                return Do(() => Console.AddRouteTable(id, Read<RouteTableSetup>(body)));
            case ("PATCH", ["instances", var id]):
                var patch = Object(body);
                if (patch.ContainsKey("hardenedMetadata")) Console.SetHardenedMetadata(id, Take<bool>(patch, "hardenedMetadata"));
                if (patch.ContainsKey("ramRole")) Console.SetRamRole(id, (string?)patch["ramRole"]);
                patch.Remove("ramRole");
                return patch.Count == 0 ? new { } : throw new FormatException("an instance has no " + patch.First().Key + " to change");
            default:
                return null;
        }
    }

    private static CloudSettings Patched(CloudSettings settings, JsonObject patch)
    {
        var merged = JsonSerializer.SerializeToNode(settings, Json)!.AsObject();
        foreach (var (name, value) in patch) merged[name] = value?.DeepClone();
        return merged.Deserialize<CloudSettings>(Json)!;
    }

    private static WireAnswer Error(int status, string code, string message) =>
        WireAnswer.Json(status, new { Code = code, Message = message }, Json);

    private static object Do(Action action)
    {
        action();
        return new { };
    }

    private static async Task<object> DoAsync(Task task)
    {
        await task;
        return new { };
    }

    private static string? Query(HttpContext context, string name) =>
        context.Request.Query[name] is { Count: > 0 } value ? value.ToString() : null;

    private static long Number(HttpContext context, string name) =>
        Query(context, name) is { } text ? long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : 0;

    private static T Read<T>(byte[] body) => JsonSerializer.Deserialize<T>(body, Json) ?? throw new FormatException("the body is null");

    private static JsonObject Object(byte[] body) => JsonNode.Parse(body)?.AsObject() ?? throw new FormatException("the body is null");

    private static T Take<T>(JsonObject from, string name)
    {
        if (from[name] is not { } node) throw new FormatException(name + " is missing");
        var value = node.Deserialize<T>(Json)!;
        from.Remove(name);
        return value;
    }

    private sealed record HopPatch
    {
        public required string NextHopId { get; init; }
        public string? NextHopType { get; init; }
    }
}
