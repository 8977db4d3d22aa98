using System.Buffers.Binary;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Flannel.Packaging.Tests.Cloud.Provider;

/// <summary>
/// A provider aliyun/alicloud for Terraform, with the schemas of the real one and a simulated cloud behind it. Terraform finds it by the
/// variable TF_REATTACH_PROVIDERS, so that it runs in this process (docs/plugin-protocol of Terraform, tfplugin5.proto).
/// </summary>
internal sealed class SimulatedProvider(SimulatedCloud cloud) : IHttpApplication<HttpContext>, IAsyncDisposable
{
    private const int FrameHeader = 5;
    private const int Unimplemented = 12;

    private readonly KestrelServer server = Server();

    private static KestrelServer Server()
    {
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        var sockets = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);
        return new KestrelServer(Options.Create(options), sockets, NullLoggerFactory.Instance);
    }

    /// <returns>The value of TF_REATTACH_PROVIDERS.</returns>
    public async Task<string> StartAsync(CancellationToken cancel)
    {
        await server.StartAsync(this, cancel);
        var url = new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return new JsonObject
        {
            ["aliyun/alicloud"] = new JsonObject
            {
                ["Protocol"] = "grpc",
                ["ProtocolVersion"] = 5,
                ["Pid"] = Environment.ProcessId,
                // Terraform does not end this process.
                ["Test"] = true,
                ["Addr"] = new JsonObject { ["Network"] = "tcp", ["String"] = url.Authority },
            },
        }.ToJsonString();
    }

    public async ValueTask DisposeAsync()
    {
        await server.StopAsync(new CancellationToken(canceled: true));
        server.Dispose();
    }

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        context.Response.ContentType = "application/grpc";
        var method = context.Request.Path.Value!;
        if (!method.StartsWith("/tfplugin5.Provider/", StringComparison.Ordinal))
        {
            // The broker of go-plugin, which Terraform does not need here.
            context.Response.Headers["grpc-status"] = $"{Unimplemented}";
            return;
        }

        using var request = new MemoryStream();
        await context.Request.Body.CopyToAsync(request, context.RequestAborted);
        var response = Answer(method[(method.LastIndexOf('/') + 1)..], request.ToArray().AsSpan(FrameHeader));
        var frame = new byte[FrameHeader + response.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), response.Length);
        response.CopyTo(frame, FrameHeader);
        await context.Response.Body.WriteAsync(frame, context.RequestAborted);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    private byte[] Answer(string method, ReadOnlySpan<byte> request) => (method switch
    {
        "GetSchema" => ProviderSchemas.Response(),
        "PrepareProviderConfig" => new ProtoMessage().With(1, ProtoMessage.Field(request, 1)!),
        // The state in JSON is returned as it is.
        "UpgradeResourceState" =>
            new ProtoMessage().With(1, new ProtoMessage().With(2, ProtoMessage.Field(ProtoMessage.Field(request, 3), 1)!)),
        "ReadResource" => new ProtoMessage().With(1, ProtoMessage.Field(request, 2)!),
        "ReadDataSource" => ReadDataSource(ProtoMessage.Text(request, 1), Value(request, 2)!),
        "PlanResourceChange" => Plan(ProtoMessage.Text(request, 1), Value(request, 2), Value(request, 3)),
        "ApplyResourceChange" => Apply(ProtoMessage.Text(request, 1), Value(request, 2), Value(request, 3)),
        // Configure, Stop and the validations: Terraform itself validates against the schema.
        _ => new ProtoMessage(),
    }).ToArray();

    private ProtoMessage ReadDataSource(string type, Dictionary<string, object?> config)
    {
        cloud.Read(type, config);
        return new ProtoMessage().With(1, Dynamic(config));
    }

    /// <summary>Of a new resource, what the provider sets is unknown. A changed argument that forces a new resource is named.</summary>
    private static ProtoMessage Plan(string type, Dictionary<string, object?>? prior, Dictionary<string, object?>? proposed)
    {
        var response = new ProtoMessage();
        if (proposed is not null)
        {
            foreach (var (name, property) in ProviderSchemas.Of("resource", type).Where(property => property.Key.Length > 0))
            {
                var words = ProviderSchemas.Words(property);
                var isSetByProvider = property is JsonValue && (words[0] == "computed" || words.Contains("default"));
                if (prior is null && proposed[name] is null && isSetByProvider)
                {
                    proposed[name] = Unknown.Value;
                }
                else if (prior is not null && words.Contains("forcenew") && !Same(prior[name], proposed[name]))
                {
                    response.With(2, new ProtoMessage().With(1, new ProtoMessage().With(1, name)));
                }
            }
        }

        return response.With(1, Dynamic(proposed)).With(5, true);
    }

    private ProtoMessage Apply(string type, Dictionary<string, object?>? prior, Dictionary<string, object?>? planned)
    {
        string? error = null;
        if (planned is null)
        {
            error = cloud.Delete(prior!);
        }
        else if (prior is null)
        {
            error = cloud.Create(type, planned);
        }
        else
        {
            cloud.Update(planned);
        }

        var response = new ProtoMessage().With(4, true);
        return error is null
            ? response.With(1, Dynamic(planned))
            : response.With(1, Dynamic(prior)).With(3, new ProtoMessage().With(1, 1).With(2, error));
    }

    private static bool Same(object? one, object? other) =>
        MessagePackWriter.Write(one).AsSpan().SequenceEqual(MessagePackWriter.Write(other));

    private static Dictionary<string, object?>? Value(ReadOnlySpan<byte> request, int field) =>
        (Dictionary<string, object?>?)new MessagePackReader(ProtoMessage.Field(ProtoMessage.Field(request, field), 1)).Read();

    private static ProtoMessage Dynamic(Dictionary<string, object?>? value) => new ProtoMessage().With(1, MessagePackWriter.Write(value));
}
