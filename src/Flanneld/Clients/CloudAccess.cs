using Flannel.AliCloud;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flanneld.Backends;
using Flanneld.Options;

namespace Flanneld.Clients;

/// <summary>The cloud's API, and the credentials that sign its calls.</summary>
internal interface ICloudAccess : IDisposable
{
    CredentialChain Credentials { get; }

    ICloudApi Api { get; }
}

/// <summary>The cloud's API with the credentials of one network configuration and this node's environment.</summary>
internal sealed class CloudAccess : ICloudAccess
{
    public CloudAccess(DaemonOptions options, ClientContext context, AliVpcBackendConfig backend, MetadataClient metadata)
    {
        var (time, random, logger) = (context.Time, context.Random, context.Loggers.CreateLogger("cloud"));
        Options = new CloudApiOptions
        {
            VpcEndpoint = options.VpcEndpoint,
            EcsEndpoint = options.EcsEndpoint,
            StsEndpoint = options.StsEndpoint,
            QuotasEndpoint = options.QuotasEndpoint,
            RegionId = backend.RegionId,
            ProgramVersion = ProgramVersion.Text,
        };
        var cloud = new CloudContext(Options, time, random, logger) { Observer = context.Metrics.Cloud };
        Credentials = CredentialChain.Create(
            options.AccessKeyFile, backend.Credentials, context.Environment.GetValueOrDefault, metadata, cloud);
        Api = new CloudApi(cloud, Credentials);
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
