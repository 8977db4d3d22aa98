using System.Net;
using AliCloud.Simulator.Api;
using Flannel.AliCloud.Tests.Support;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Simulation;

/// <summary>The way from the real client to the simulated cloud, in virtual time: a few milliseconds each way, and whatever the test wants
/// to go wrong.</summary>
internal sealed class VirtualWire(VirtualTime time, HttpMessageHandler cloud) : DelegatingHandler(cloud)
{
    public const string Busy = "TaskConflict";

    private static readonly TimeSpan Way = TimeSpan.FromMilliseconds(2);

    /// <summary>Asked when a request sets out; <see cref="Mishap.None"/> lets it pass.</summary>
    public Func<Request, Mishap> ChooseMishap { get; set; } = _ => Mishap.None;

    /// <summary>Called when a request sets out, when it has reached the cloud and nothing has happened yet, when the cloud has done it, and
    /// when its answer is there.</summary>
    public Action<Request, Moment> Watch { get; set; } = (_, _) => { };

    internal enum Moment { Sent, Arrived, Done, Over }

    internal enum Mishap
    {
        None,

        /// <summary>No connection: nothing was sent.</summary>
        NoConnection,

        /// <summary>Not done, and the connection breaks.</summary>
        Reset,

        /// <summary>Done, and the connection breaks.</summary>
        ResetAfterSuccess,

        /// <summary>Done, and no answer comes: the time limit of the client ends it.</summary>
        SilenceAfterSuccess,

        /// <summary>Not done: a proxy's page.</summary>
        BadGateway,

        /// <summary>Not done: too many calls, with the service's own hint.</summary>
        Throttled,

        /// <summary>Not done: another write holds the VPC.</summary>
        Conflict,

        /// <summary>Not done: an entry is changing.</summary>
        EntryChanging,

        /// <summary>Not done: the instance of one of the routes is starting.</summary>
        InstanceStarting,

        /// <summary>Not done: an unknown code.</summary>
        NeverHeardOf,
    }

    /// <param name="KeyId">Whose it is.</param>
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
        Watch(request, Moment.Sent);
        try
        {
            var mishap = ChooseMishap(request);
            await SleepAsync(Way, cancellation).ConfigureAwait(Inline);
            Watch(request, Moment.Arrived);
            cancellation.ThrowIfCancellationRequested();
            switch (mishap)
            {
                case Mishap.NoConnection: throw new HttpRequestException(HttpRequestError.ConnectionError, "refused");
                case Mishap.Reset: throw new HttpRequestException(HttpRequestError.ResponseEnded, "reset");
                case Mishap.BadGateway: return Answer(HttpStatusCode.BadGateway, "<html>");
                case Mishap.Throttled: return Error("Throttling.User", ("x-ratelimit-user-api", "Limit:1,Remain:0,TimeLeft:2500,Reset:0"));
                case Mishap.Conflict: return Error(Busy);
                case Mishap.EntryChanging: return Error("IncorrectRouteEntryStatus");
                case Mishap.InstanceStarting: return Error("IncorrectInstanceStatus");
                case Mishap.NeverHeardOf: return Error("NeverHeardOf");
            }

            var answer = await base.SendAsync(message, cancellation).ConfigureAwait(Inline);
            Watch(request, Moment.Done);
            if (mishap == Mishap.ResetAfterSuccess) throw new HttpRequestException(HttpRequestError.ResponseEnded, "reset");
            await SleepAsync(mishap == Mishap.SilenceAfterSuccess ? Timeout.InfiniteTimeSpan : Way, cancellation).ConfigureAwait(Inline);
            return answer;
        }
        finally
        {
            Watch(request, Moment.Over);
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
