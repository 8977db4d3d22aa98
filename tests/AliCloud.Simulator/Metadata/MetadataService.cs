using System.Net;
using AliCloud.Simulator.Api;
using AliCloud.Simulator.Hosting;
using AliCloud.Simulator.Observing;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Metadata;

/// <summary>The metadata service at 100.100.100.200. The source address or the listener identifies the instance.</summary>
internal sealed class MetadataService(CloudState state, Credentials credentials, Random random, FaultList faults, CallLog calls)
{
    private const string TokenPath = "/latest/api/token";

    /// <summary>The versions that <c>GET /</c> lists: a dated one for programs such as cloud-init, and the newest. Their content is the
    /// same here.</summary>
    private static readonly string[] s_versions = ["2016-01-01", "latest"];
    private readonly MetadataTokens _tokens = new(state.Time, random);

    /// <param name="instanceId">The instance of this listener; null for the shared listener.</param>
    public RequestDelegate HandlerFor(string? instanceId) => context => HandleAsync(context, instanceId);

    private async Task HandleAsync(HttpContext context, string? instanceId)
    {
        var (arrived, timestamp) = (state.Time.GetUtcNow(), state.Time.GetTimestamp());
        var path = Wire.RawTarget(context).Path;
        var action = $"{context.Request.Method} {path}";
        string? callerId = null;

        void Log(int status, string? code) =>
            calls.Add(new LoggedCall(0, arrived, "metadata", action, callerId, null, new Dictionary<string, string>(), status, code,
            Guid.NewGuid().ToString().ToUpperInvariant(), state.Time.GetElapsedTime(timestamp).TotalMilliseconds));

        lock (state.Gate) callerId = Caller(context, instanceId)?.Id;
        if (state.Settings.MetadataLatencyMilliseconds is > 0 and var latency)
            await Task.Delay(TimeSpan.FromMilliseconds(latency), state.Time, context.RequestAborted);

        var fault = faults.Take("metadata", action);
        switch (fault?.Kind)
        {
            case FaultKind.Delay:
                await Task.Delay(TimeSpan.FromMilliseconds(fault.DelayMilliseconds), state.Time, context.RequestAborted);
                break;
            case FaultKind.DropConnection:
                Log(0, "dropConnection");
                context.Abort();
                return;
            case FaultKind.Code or FaultKind.Status:
                Log(fault.HttpStatus, fault.Code);
                await Wire.SendAsync(context, new WireAnswer(fault.HttpStatus, "text/plain", fault.Message), fault.Headers);
                return;
        }

        WireAnswer answer;
        lock (state.Gate)
        {
            answer = Answer(context, Caller(context, instanceId), path);
            var dropped = fault?.Kind == FaultKind.DropAfterSuccess;
            Log(dropped ? 0 : answer.Status, dropped ? "dropAfterSuccess" : null);
        }

        if (await Wire.ApplyAfterEffectAsync(context, fault, state.Time)) await Wire.SendAsync(context, answer, fault?.Headers);
    }

    private Instance? Caller(HttpContext context, string? instanceId)
    {
        if (instanceId is not null) return state.FindInstance(instanceId);
        var address = context.Connection.RemoteIpAddress is { } remote
            && remote.IsIPv4MappedToIPv6 ? remote.MapToIPv4() : context.Connection.RemoteIpAddress;
        return state.Interfaces.FirstOrDefault(i => IPAddress.Parse(Cidr.Write(i.PrivateIp)).Equals(address))?.Instance;
    }

    private WireAnswer Answer(HttpContext context, Instance? instance, string path)
    {
        if (instance is null) return Error(404, "Not Found");
        var headers = context.Request.Headers;
        var token = headers["X-aliyun-ecs-metadata-token"].ToString();
        var forwarded = headers.ContainsKey("X-Forwarded-For");
        if (path == TokenPath)
        {
            if (context.Request.Method != "PUT") return Error(405, "Method Not Allowed");
            if (forwarded) return Error(403, "Forbidden");
            return _tokens.Issue(instance, headers["X-aliyun-ecs-metadata-token-ttl-seconds"]) is { } issued ? Text(issued) : Error(
                400, "Bad Request");
        }

        if (context.Request.Method != "GET") return Error(405, "Method Not Allowed");
        if (token.Length > 0)
        {
            if (forwarded) return Error(403, "Forbidden");
            if (!_tokens.Accepts(instance, token)) return Error(401, "Unauthorized");
        }
        else if (instance.HardenedMetadata)
        {
            return Error(403, "Forbidden");
        }

        if (path == "/") return Text(string.Join('\n', s_versions));
        if (s_versions.FirstOrDefault(v => path.StartsWith($"/{v}/", StringComparison.Ordinal)) is not { } version) return Error(
            404, "Not Found");
        return MetadataTree.Read(state, credentials, instance, path[(version.Length + 2)..]) is { } text ? Text(text) : Error(
            404, "Not Found");
    }

    private static WireAnswer Text(string text) => new(200, "text/plain", text);

    // The cloud returns an HTML page, so that a client that ignores the status gets invalid data.
    private static WireAnswer Error(int status, string title) => new(status, "text/html",
        $"""
        <?xml version="1.0" encoding="iso-8859-1"?>
        <!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
        <html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en"><head><title>{status} - {title}</title></head>
        <body><h1>{status} - {title}</h1></body></html>
        """);
}
