using System.Net;
using Flannel.AliCloud.Tests.Support;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Simulation;

/// <summary>The connection from the real client to the simulated cloud, in virtual time: with a latency, and with the faults that a test
/// chooses.</summary>
internal sealed class VirtualWire(VirtualTime time, HttpMessageHandler cloud) : DelegatingHandler(cloud)
{
    public const string Busy = "TaskConflict";

    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(2);

    /// <summary>Returns the fault of a request that is being sent; <see cref="WireFault.None"/> for none.</summary>
    public Func<Request, WireFault> ChooseFault { get; set; } = _ => WireFault.None;

    /// <summary>Called when a request is sent, when it arrives at the cloud, when the cloud has executed it, and when its response has
    /// arrived or the call failed.</summary>
    public Action<Request, Moment> OnMoment { get; set; } = (_, _) => { };

    internal enum Moment { Sent, Arrived, Executed, Ended }

    internal enum WireFault
    {
        None,

        /// <summary>No connection: nothing was sent.</summary>
        NoConnection,

        /// <summary>Not executed, and the connection is reset.</summary>
        Reset,

        /// <summary>Executed, and the connection is reset.</summary>
        ResetAfterSuccess,

        /// <summary>Executed, but no response arrives: the client times out.</summary>
        TimeoutAfterSuccess,

        /// <summary>Not executed: a proxy's page.</summary>
        BadGateway,

        /// <summary>Not executed: too many calls, with a rate-limit hint.</summary>
        Throttled,

        /// <summary>Not executed: another write of the VPC is in progress.</summary>
        Conflict,

        /// <summary>Not executed: an entry is changing.</summary>
        EntryChanging,

        /// <summary>Not executed: the instance of one of the routes is starting.</summary>
        InstanceStarting,

        /// <summary>Not executed: an unknown code.</summary>
        UnknownCode,
    }

    /// <param name="KeyId">The access key of the caller.</param>
    internal sealed record Request(string KeyId, string Action, IReadOnlyDictionary<string, string> Parameters)
    {
        public bool IsWrite => Writes(Action);

        /// <summary>No call of this simulation is a dry run.</summary>
        public static bool Writes(string action) =>
            action is "CreateRouteEntries" or "CreateRouteEntry" or "ModifyRouteEntry" or "DeleteRouteEntries";

        public static Request Of(HttpRequestMessage message)
        {
            var authorization = message.Headers.NonValidated["Authorization"].ToString();
            var begin = authorization.IndexOf("Credential=", StringComparison.Ordinal) + "Credential=".Length;
            var parameters = message.RequestUri!.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
                .Select(pair => pair.Split('=', 2))
                .ToDictionary(pair => Uri.UnescapeDataString(pair[0]), pair => Uri.UnescapeDataString(pair[1]));
            var action = message.Headers.NonValidated["x-acs-action"].ToString();
            return new Request(authorization[begin..authorization.IndexOf(',', begin)], action, parameters);
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellation)
    {
        var request = Request.Of(message);
        OnMoment(request, Moment.Sent);
        try
        {
            var fault = ChooseFault(request);
            await SleepAsync(Latency, cancellation).ConfigureAwait(Inline);
            OnMoment(request, Moment.Arrived);
            cancellation.ThrowIfCancellationRequested();
            switch (fault)
            {
                case WireFault.NoConnection: throw new HttpRequestException(HttpRequestError.ConnectionError, "refused");
                case WireFault.Reset: throw new HttpRequestException(HttpRequestError.ResponseEnded, "reset");
                case WireFault.BadGateway: return Answer(HttpStatusCode.BadGateway, "<html>");
                case WireFault.Throttled:
                    return Error("Throttling.User", ("x-ratelimit-user-api", "Limit:1,Remain:0,TimeLeft:2500,Reset:0"));
                case WireFault.Conflict: return Error(Busy);
                case WireFault.EntryChanging: return Error("IncorrectRouteEntryStatus");
                case WireFault.InstanceStarting: return Error("IncorrectInstanceStatus");
                case WireFault.UnknownCode: return Error("UnknownCode");
            }

            var response = await base.SendAsync(message, cancellation).ConfigureAwait(Inline);
            OnMoment(request, Moment.Executed);
            if (fault == WireFault.ResetAfterSuccess) throw new HttpRequestException(HttpRequestError.ResponseEnded, "reset");
            var latency = fault == WireFault.TimeoutAfterSuccess ? Timeout.InfiniteTimeSpan : Latency;
            await SleepAsync(latency, cancellation).ConfigureAwait(Inline);
            return response;
        }
        finally
        {
            OnMoment(request, Moment.Ended);
        }
    }

    /// <summary>The handler continues in the callback of a timer, outside of the context of <see cref="VirtualTime"/>: under it, HttpClient
    /// would continue on the thread pool.</summary>
    private const ConfigureAwaitOptions Inline = ConfigureAwaitOptions.None;

    /// <summary>Always ends in the callback of a timer, so that the caller continues there and not on the thread pool.</summary>
    private async Task SleepAsync(TimeSpan span, CancellationToken cancellation)
    {
        var done = new TaskCompletionSource();
        await using var timer = time.CreateTimer(_ => done.TrySetResult(), null, span, Timeout.InfiniteTimeSpan);
        await using var stop = cancellation.Register(() =>
            time.CreateTimer(_ => done.TrySetCanceled(cancellation), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan));
        await done.Task.ConfigureAwait(Inline);
    }

    private static HttpResponseMessage Answer(HttpStatusCode status, string body) => StubHandler.Answer(status, body);

    private static HttpResponseMessage Error(string code, params (string Name, string Value)[] headers) => StubHandler.Error(code, headers);
}
