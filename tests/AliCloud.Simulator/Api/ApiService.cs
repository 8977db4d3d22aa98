using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using AliCloud.Simulator.Api.Actions;
using AliCloud.Simulator.Hosting;
using AliCloud.Simulator.Observing;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Api;

/// <summary>The VPC, ECS, STS and Quotas API at one address; the version of a request selects the API.</summary>
internal sealed class ApiService(CloudState state, Credentials credentials, FaultList faults, CallLog calls)
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SignatureVerification _verification = new(credentials, state);
    private readonly ActionTable _actions = new(state, credentials);

    public async Task HandleAsync(HttpContext context)
    {
        var arrived = new Arrival(state.Time.GetUtcNow(), state.Time.GetTimestamp(), Guid.NewGuid().ToString().ToUpperInvariant());
        var (path, query) = Wire.RawTarget(context);
        var headers = Wire.Headers(context);
        var request = new SignedRequest(context.Request.Method, path, query, headers, await Wire.BodyAsync(context))
        {
            Rpc = ReadRpc(headers, query),
        };
        if (state.Settings.ApiLatencyMilliseconds is > 0 and var latency)
            await Task.Delay(TimeSpan.FromMilliseconds(latency), state.Time, context.RequestAborted);

        var admission = Admit(request);
        if (admission is not Accepted accepted)
        {
            await AnswerAsync(context, request, arrived, null, ((Rejected)admission).Error, null);
            return;
        }

        var fault = faults.Take(accepted.Action.Service, accepted.Action.Name, accepted.Parameters.Structures("RouteEntries").Count);
        switch (fault?.Kind)
        {
            case FaultKind.Delay:
                await Task.Delay(TimeSpan.FromMilliseconds(fault.DelayMilliseconds), state.Time, context.RequestAborted);
                break;
            case FaultKind.DropConnection:
                Log(request, arrived, accepted.Principal, 0, "dropConnection");
                context.Abort();
                return;
            case FaultKind.Code:
                await AnswerAsync(context, request, arrived, accepted.Principal,
                    new ApiError(fault.Code!, fault.Message, fault.HttpStatus), fault);
                return;
            case FaultKind.Status:
                Log(request, arrived, accepted.Principal, fault.HttpStatus, null);
                await Wire.SendAsync(context, Page(fault), fault.Headers);
                return;
        }

        await AnswerAsync(context, request, arrived, accepted.Principal, null, fault, accepted);
    }

    private Admission Admit(SignedRequest request)
    {
        if (request.Method is not ("GET" or "POST")) return new Rejected(
            new ApiError("UnsupportedHTTPMethod", "The HTTP method must be GET or POST.", 405));
        if (request.Path != "/") return new Rejected(ApiErrors.UnknownAction);
        if (OidcRequest.Is(request)) return AdmitUnsigned(request);
        Principal principal;
        lock (state.Gate)
        {
            var verification = _verification.Verify(request);
            if (verification is NotVerified no) return new Rejected(no.Error);
            principal = ((Verified)verification).Principal;
        }

        if (ActionTable.ServiceOf(request.Version) is not { } service) return new Rejected(ApiErrors.UnknownVersion);
        if (_actions.Find(service, request.Action) is not { } action) return new Rejected(ApiErrors.UnknownAction);
        if (ParametersOf(request, action) is not { } parameters) return new Rejected(ApiErrors.Misplaced(action.IsForm));
        if (ParameterCheck.Check(parameters, action.Rules) is { } error) return new Rejected(error);
        if (parameters.GetValueOrDefault("RegionId") is { Length: > 0 } region && region != state.RegionId) return new Rejected(
            ApiErrors.UnknownRegion);
        return new Accepted(principal, action, new Parameters(parameters) { Caller = principal });
    }

    /// <summary>The parameters from the place in the action's metadata; null if there are parameters in the other place. Whether the real
    /// gateway accepts both places is not documented.</summary>
    private static Dictionary<string, string>? ParametersOf(SignedRequest request, ApiAction action)
    {
        if (request.Rpc is { } rpc) return request.Body.Length > 0 ? null : rpc.Parameters;
        // The signature is valid, so the query is well formed.
        if (!action.IsForm) return request.Body.Length > 0 ? null : RawQuery.Parse(request.Query);
        return request.Query.Length == 0 && request.Header("content-type") == "application/x-www-form-urlencoded"
            ? RawQuery.Parse(Encoding.UTF8.GetString(request.Body))
            : null;
    }

    private static WireAnswer Page(Fault fault)
    {
        var body = fault.Body ?? $"<html><body>{fault.Message}</body></html>";
        return new WireAnswer(
            fault.HttpStatus, body.StartsWith("<?xml", StringComparison.Ordinal) ? "text/xml;charset=utf-8" : "text/html", body);
    }

    /// <summary>The older form, which only the copies of VPC actions in the ECS API may have. Any other call needs the present one:
    /// flanneld must not use the older.</summary>
    private RpcRequest? ReadRpc(IReadOnlyDictionary<string, string> headers, string query) =>
        RpcRequest.Read(headers, query) is { } rpc && ActionTable.ServiceOf(rpc["Version"]) is { } service
            && _actions.Find(service, rpc["Action"]) is { IsEcsCopy: true }
            ? rpc
            : null;

    private Admission AdmitUnsigned(SignedRequest request)
    {
        var call = OidcRequest.Read(request, out var error);
        if (call is null) return new Rejected(error!);
        lock (state.Gate) error = _verification.Check(call.Timestamp, call.Nonce);
        var action = _actions.Find("sts", OidcRequest.Action)!;
        error ??= ParameterCheck.Check(call.Parameters, action.Rules);
        return error is null ? new Accepted(OidcRequest.Anonymous, action, new Parameters(call.Parameters)) : new Rejected(error);
    }

    /// <summary>Executes and logs the call, and sends the response unless a fault prevents it.</summary>
    private async Task AnswerAsync(
        HttpContext context, SignedRequest request, Arrival arrived, Principal? principal, ApiError? error, Fault? fault,
            Accepted? accepted = null)
    {
        WireAnswer answer;
        lock (state.Gate)
        {
            state.Settle();
            var result = error ?? Run(accepted!);
            answer = Write(context, result, arrived.RequestId);
            var dropped = fault?.Kind == FaultKind.DropAfterSuccess;
            Log(request, arrived, principal, dropped ? 0 : answer.Status, dropped ? "dropAfterSuccess" : (result as ApiError)?.Code);
        }

        if (!await Wire.ApplyAfterEffectAsync(context, fault, state.Time)) return;
        context.Response.Headers["x-acs-request-id"] = arrived.RequestId;
        context.Response.Headers.Date = state.Now.ToString("R", CultureInfo.InvariantCulture);
        await Wire.SendAsync(context, answer, fault?.Headers);
    }

    private ApiResult Run(Accepted call) =>
        call.Principal.IsDenied(call.Action.RamAction)
            ? call.Action.Service == "sts" ? StsActions.NoPermission : new ApiError(
                "Forbidden.RAM", "User not authorized to operate on the specified resource, or this API doesn't support RAM.", 403)
            {
                AccessDeniedDetail = new
                {
                    AuthAction = call.Action.RamAction,
                    AuthPrincipalType = call.Principal.Type,
                    AuthPrincipalOwnerId = state.AccountId,
                    AuthPrincipalDisplayName = call.Principal.Name,
                    NoPermissionType = "ImplicitDeny",
                    PolicyType = "AccountLevelIdentityBasedPolicy",
                    EncodedDiagnosticMessage = "c2ltdWxhdGVk",
                },
            }
            : call.Action.Run(state, call.Parameters);

    // Under the gate: the body may be a lazy query over the state.
    private static WireAnswer Write(HttpContext context, ApiResult answer, string requestId)
    {
        if (answer is Done done)
        {
            var body = JsonSerializer.SerializeToNode(done.Body, Json)!.AsObject();
            body["RequestId"] = requestId;
            return WireAnswer.Json(200, body, Json);
        }

        var error = (ApiError)answer;
        var json = new JsonObject
        {
            ["RequestId"] = requestId,
            ["HostId"] = context.Request.Host.Value,
            ["Code"] = error.Code,
            ["Message"] = error.Message,
            ["Recommend"] = $"https://api.aliyun.com/troubleshoot?q={error.Code}",
        };
        if (error.AccessDeniedDetail is { } detail) json["AccessDeniedDetail"] = JsonSerializer.SerializeToNode(detail, Json);
        return WireAnswer.Json(error.Status, json, Json);
    }

    private void Log(SignedRequest request, Arrival arrived, Principal? principal, int status, string? code)
    {
        var unsigned = OidcRequest.Is(request);
        calls.Add(new LoggedCall(
            0, arrived.Time, unsigned ? "sts" : ActionTable.ServiceOf(request.Version) ?? "",
            unsigned ? OidcRequest.Action : request.Action ?? "", principal?.InstanceId, principal?.AccessKeyId,
            unsigned ? OidcRequest.Shown(request) : Shown(request), status, code, arrived.RequestId,
            state.Time.GetElapsedTime(arrived.Timestamp).TotalMilliseconds));
    }

    private static Dictionary<string, string> Shown(SignedRequest request) => request.Rpc?.Parameters
        ?? RawQuery.Parse(request.Body.Length > 0 ? Encoding.UTF8.GetString(request.Body) : request.Query) ?? [];

    private readonly record struct Arrival(DateTimeOffset Time, long Timestamp, string RequestId);

    private abstract record Admission;

    private sealed record Accepted(Principal Principal, ApiAction Action, Parameters Parameters) : Admission;

    private sealed record Rejected(ApiError Error) : Admission;
}
