using CsCheck;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;

namespace Flannel.AliCloud.Tests.Http;

public class BoundedBodyTests
{
    [Fact]
    public async Task A_body_is_read_up_to_the_limit() =>
        await Gen.Select(Gen.Byte.Array[0, 300], Gen.Int[1, 300], Gen.Bool).SampleAsync(async (bytes, limit, announced) =>
        {
            using var content = announced ? (HttpContent)new ByteArrayContent(bytes) : new StreamContent(new Trickle(bytes));
            var read = await BoundedBody.ReadAsync(content, limit, TestContext.Current.CancellationToken);
            return bytes.Length <= limit ? read is not null && read.SequenceEqual(bytes) : read is null;
        }, seed: Seeds.Bytes, iter: 500);

    /// <summary>Returns seven bytes per read and does not announce its length.</summary>
    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer.Length > 7 ? buffer[..7] : buffer, cancellationToken);
    }
}
