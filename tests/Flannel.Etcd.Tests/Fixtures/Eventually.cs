using System.Diagnostics;
using Etcdserverpb;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>Waits for conditions, with a time limit that is sufficient on a busy machine.</summary>
public static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static Task IsAsync(string what, Func<bool> condition) => IsAsync(what, () => Task.FromResult(condition()));

    public static Task IsAsync(string what, Func<Task<bool>> condition) => IsAsync(() => what, condition);

    /// <param name="what">Called when the time is over.</param>
    public static async Task IsAsync(Func<string> what, Func<Task<bool>> condition)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed < Limit, clock.Elapsed < Limit ? "" : $"not within {Limit.TotalSeconds} s: {what()}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Repeats a read until it succeeds.</summary>
    /// <param name="check">Called with each failure.</param>
    public static Task UntilReadAsync(this IEtcd etcd, string what, RangeRequest read, Action<EtcdException>? check = null) =>
        IsAsync(what, async () =>
        {
            try
            {
                await etcd.RangeAsync(read, TestContext.Current.CancellationToken);
                return true;
            }
            catch (EtcdException e)
            {
                check?.Invoke(e);
                return false;
            }
        });

    public static async Task<T> WithinAsync<T>(string what, Task<T> task)
    {
        await WithinAsync(what, (Task)task);
        return await task;
    }

    public static async Task WithinAsync(string what, Task task)
    {
        var first = await Task.WhenAny(task, Task.Delay(Limit, TestContext.Current.CancellationToken));
        Assert.True(first == task, $"not within {Limit.TotalSeconds} s: {what}");
        await task;
    }
}
