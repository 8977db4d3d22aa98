using Flannel.AliCloud;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flanneld.Backends;
using Flanneld.Observability;
using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld.Controller;

/// <summary>The cloud's API, and the credentials that its calls are signed with.</summary>
internal interface ICloudAccess : IDisposable
{
    CredentialChain Credentials { get; }

    ICloudApi Api { get; }
}

/// <summary>The cloud's API with the credentials that one network configuration and this node's environment give.</summary>
internal sealed class CloudAccess : ICloudAccess
{
    public CloudAccess(
        DaemonOptions options, IReadOnlyDictionary<string, string> environment, AliVpcBackendConfig backend, MetadataClient metadata, TimeProvider time,
        Random random, ILogger logger)
    {
        Options = new CloudApiOptions
        {
            VpcEndpoint = options.VpcEndpoint,
            EcsEndpoint = options.EcsEndpoint,
            StsEndpoint = options.StsEndpoint,
            QuotasEndpoint = options.QuotasEndpoint,
            RegionId = backend.RegionId,
            ProgramVersion = ProgramVersion.Text,
        };
        // One clock: the expirations of keys are compared with the time that the API's answers tell.
        var clock = new CloudClock(time);
        Credentials = CredentialChain.Create(
            options.AccessKeyFile, backend.Credentials, environment.GetValueOrDefault, metadata, time, random, logger, Options, clock: clock);
        Api = new CloudApi(Options, Credentials, time, random, logger, clock: clock);
    }

    public CloudApiOptions Options { get; }

    public CredentialChain Credentials { get; }

    public CloudApi Api { get; }

    ICloudApi ICloudAccess.Api => Api;

    public void Dispose()
    {
        Api.Dispose();
        Credentials.Dispose();
    }
}
