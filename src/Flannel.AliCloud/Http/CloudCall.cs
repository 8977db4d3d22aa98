using System.Globalization;
using Flannel.Core;

namespace Flannel.AliCloud.Http;

internal enum CloudService { Vpc, Ecs, Sts, Quotas }

internal static class CloudServices
{
    /// <summary>As in host names and in RAM actions.</summary>
    public static string Name(this CloudService service) => service switch
    {
        CloudService.Vpc => "vpc",
        CloudService.Ecs => "ecs",
        CloudService.Sts => "sts",
        _ => "quotas",
    };

    public static string Version(this CloudService service) => service switch
    {
        CloudService.Vpc => "2016-04-28",
        CloudService.Ecs => "2014-05-26",
        CloudService.Sts => "2015-04-01",
        _ => "2020-05-10",
    };
}

/// <summary>One action with its parameters, flattened as the RPC style wants: <c>true</c>/<c>false</c>, lists from 1.</summary>
internal sealed class CloudCall
{
    private readonly List<KeyValuePair<string, string>> parameters = [];

    private CloudCall(CloudService service, string action, string regionId, bool isWrite)
    {
        (Service, Action, RegionId, IsWrite) = (service, action, regionId, isWrite);
        if (service is CloudService.Vpc or CloudService.Ecs) With("RegionId", regionId);
    }

    public CloudService Service { get; }

    public string Action { get; }

    public string RegionId { get; }

    /// <summary>Its parameters go into the body, as a form; else into the query.</summary>
    public bool IsForm { get; private init; }

    /// <summary>When its answer is lost, its outcome is not known.</summary>
    public bool IsWrite { get; }

    public IReadOnlyList<KeyValuePair<string, string>> Parameters => parameters;

    /// <summary>Who asks, for a call that no key signs; null for a signed one.</summary>
    public Secret? Proof { get; private set; }

    /// <summary>What RAM calls it, such as <c>vpc:CreateRouteEntries</c>.</summary>
    public string RamAction => $"{Service.Name()}:{Action}";

    public static CloudCall Read(CloudService service, string action, string regionId) => new(service, action, regionId, false);

    public static CloudCall Write(CloudService service, string action, string regionId) => new(service, action, regionId, true);

    /// <param name="regionId">Whose STS; empty for the central one. No parameter of the call itself.</param>
    public static CloudCall OfSts(string action, string regionId) => OfCentral(CloudService.Sts, action, regionId);

    /// <param name="regionId">Where it is asked from; no parameter of the call itself.</param>
    public static CloudCall OfCentral(CloudService service, string action, string regionId) => new(service, action, regionId, false);

    /// <summary>A read whose parameters belong into the body: which they are, the API's published metadata says.</summary>
    /// <param name="regionId">Where it is asked from; no parameter of the call itself.</param>
    public static CloudCall Form(CloudService service, string action, string regionId) =>
        new(service, action, regionId, false) { IsForm = true };

    /// <summary>Not signed: <paramref name="oidcToken"/> says who asks.</summary>
    public CloudCall Proving(Secret oidcToken)
    {
        Proof = oidcToken;
        return this;
    }

    /// <summary>An absent value is not sent: the API tells empty from absent.</summary>
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

    /// <summary><c>name.1.field</c>, <c>name.2.field</c> …</summary>
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
