using System.Globalization;
using Flannel.Core;

namespace Flannel.AliCloud.Http;

/// <summary>One action with its parameters in the RPC style: booleans as <c>true</c>/<c>false</c>, lists numbered from 1.</summary>
internal sealed class CloudCall
{
    private readonly List<KeyValuePair<string, string>> parameters = [];

    private CloudCall(CloudService service, string action, string regionId) =>
        (Service, Action, RegionId) = (service, action, regionId);

    public CloudService Service { get; }

    public string Action { get; }

    /// <summary>Selects the host.</summary>
    public string RegionId { get; }

    /// <summary>True if the parameters are sent in the body as a form; otherwise in the query.</summary>
    public bool IsForm { get; private init; }

    /// <summary>True if the outcome of the call is unknown when its response is lost.</summary>
    public bool IsWrite { get; private init; }

    public IReadOnlyList<KeyValuePair<string, string>> Parameters => parameters;

    /// <summary>Authenticates a call that is not signed; null for a signed call.</summary>
    public Secret? OidcToken { get; private set; }

    /// <summary>The RAM action, such as <c>vpc:CreateRouteEntries</c>.</summary>
    public string RamAction => $"{Service.Name()}:{Action}";

    /// <summary>A read of VPC or ECS.</summary>
    public static CloudCall Read(CloudService service, string action, string regionId) =>
        new CloudCall(service, action, regionId).With("RegionId", regionId);

    /// <summary>A write of VPC or ECS.</summary>
    public static CloudCall Write(CloudService service, string action, string regionId) =>
        new CloudCall(service, action, regionId) { IsWrite = true }.With("RegionId", regionId);

    /// <param name="regionId">The region of the STS host; empty for the central host. It is not a parameter of the call.</param>
    public static CloudCall Sts(string action, string regionId) => new(CloudService.Sts, action, regionId);

    /// <summary>A read whose parameters have the position "Body" in the API's published metadata.</summary>
    /// <param name="regionId">The region of the host. It is not a parameter of the call.</param>
    public static CloudCall Form(CloudService service, string action, string regionId) => new(service, action, regionId) { IsForm = true };

    /// <summary>Makes this an unsigned call that <paramref name="token"/> authenticates.</summary>
    public CloudCall WithOidcToken(Secret token)
    {
        OidcToken = token;
        return this;
    }

    /// <summary>Omits a null or empty value: the API distinguishes empty from absent.</summary>
    public CloudCall With(string name, string? value)
    {
        if (!string.IsNullOrEmpty(value)) parameters.Add(new(name, value));
        return this;
    }

    public CloudCall With(string name, bool value) => With(name, value ? "true" : "false");

    public CloudCall With(string name, int value) => With(name, value.ToString(CultureInfo.InvariantCulture));

    public CloudCall With(string name, IReadOnlyList<string> values)
    {
        for (var i = 0; i < values.Count; i++) With($"{name}.{i + 1}", values[i]);
        return this;
    }

    /// <summary>Adds <c>name.1.field</c>, <c>name.2.field</c> …</summary>
    public CloudCall With<T>(string name, IReadOnlyList<T> items, Action<FieldWriter, T> write)
    {
        for (var i = 0; i < items.Count; i++) write(new FieldWriter(this, $"{name}.{i + 1}."), items[i]);
        return this;
    }

    public readonly struct FieldWriter(CloudCall call, string prefix)
    {
        public FieldWriter With(string name, string? value)
        {
            call.With(prefix + name, value);
            return this;
        }
    }
}
