using Flannel.AliCloud.Http;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Tests.Support;

/// <summary>Creates the context of a client. Without options, the client uses Alibaba Cloud's hosts.</summary>
public static class Contexts
{
    public static CloudContext Create(
        CloudApiOptions? options = null, TimeProvider? time = null, ILogger? logger = null, HttpMessageHandler? handler = null,
        Random? random = null) =>
        new(options ?? new CloudApiOptions { ProgramVersion = "test" }, time ?? TimeProvider.System, random ?? new Random(7),
            logger ?? new RecordingLogger())
        {
            Handler = handler,
        };
}
