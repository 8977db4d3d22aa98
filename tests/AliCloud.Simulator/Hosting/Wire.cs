using System.Text;
using System.Text.Json;
using AliCloud.Simulator.Observing;
using Microsoft.AspNetCore.Http.Features;

namespace AliCloud.Simulator.Hosting;

/// <summary>A response before it is sent.</summary>
internal sealed record WireAnswer(int Status, string ContentType, string Body)
{
    public static WireAnswer Json(int status, object body, JsonSerializerOptions options) =>
        new(status, "application/json;charset=utf-8", JsonSerializer.Serialize(body, options));
}

/// <summary>The target of a request, not normalized.</summary>
internal sealed record RequestTarget(string Path, string Query);

/// <summary>Reads and writes HTTP for all services.</summary>
internal static class Wire
{
    private const int MaximumBody = 1 << 20;

    /// <summary>The request target as the client sent it, not normalized.</summary>
    public static RequestTarget RawTarget(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        return mark < 0 ? new RequestTarget(target, "") : new RequestTarget(target[..mark], target[(mark + 1)..]);
    }

    public static Dictionary<string, string> Headers(HttpContext context) =>
        context.Request.Headers.ToDictionary(
            h => h.Key.ToLowerInvariant(), h => string.Join(',', h.Value.Select(v => v?.Trim())), StringComparer.Ordinal);

    public static async Task<byte[]> BodyAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        var buffer = new byte[4096];
        int read;
        while ((read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0)
        {
            if (body.Length + read > MaximumBody) throw new BadHttpRequestException("The body is too long.", 413);
            body.Write(buffer, 0, read);
        }

        return body.ToArray();
    }

    public static async Task SendAsync(HttpContext context, WireAnswer answer, IReadOnlyDictionary<string, string>? headers = null)
    {
        var bytes = Encoding.UTF8.GetBytes(answer.Body);
        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = answer.ContentType;
        context.Response.ContentLength = bytes.Length;
        foreach (var (name, value) in headers ?? new Dictionary<string, string>()) context.Response.Headers[name] = value;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    /// <summary>Applies the part of a fault that follows the effect: a delay, a reset, or nothing. False if no response must be
    /// sent.</summary>
    public static async Task<bool> ApplyAfterEffectAsync(HttpContext context, Fault? fault, TimeProvider time)
    {
        switch (fault?.Kind)
        {
            case FaultKind.TimeoutAfterSuccess:
                await Task.Delay(TimeSpan.FromMilliseconds(fault.DelayMilliseconds), time, context.RequestAborted);
                return true;
            case FaultKind.DropAfterSuccess:
                context.Abort();
                return false;
            default:
                return true;
        }
    }
}
