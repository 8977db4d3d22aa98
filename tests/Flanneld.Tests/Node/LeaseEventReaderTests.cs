using System.Runtime.CompilerServices;
using Flannel.Core.Leases;
using Flanneld.Node;

namespace Flanneld.Tests.Node;

public sealed class LeaseEventReaderTests
{
    [Fact]
    public async Task It_may_be_disposed_while_the_next_event_is_awaited()
    {
        var ended = false;
        var reader = new LeaseEventReader(NeverAsync, TestContext.Current.CancellationToken);
        var next = reader.MoveNextAsync();
        await reader.DisposeAsync();
        Assert.True(next.IsCanceled);
        Assert.True(ended);

        async IAsyncEnumerable<LeaseEvent> NeverAsync([EnumeratorCancellation] CancellationToken cancellation)
        {
            try
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            finally
            {
                ended = true;
            }

            yield break;
        }
    }
}
