namespace Flanneld.Host;

/// <summary>A random number generator that many loops may use at once, unlike <see cref="Random"/>.</summary>
/// <param name="inner">The source of the numbers.</param>
internal sealed class SharedRandom(Random inner) : Random
{
    private readonly Lock gate = new();

    public SharedRandom() : this(new Random())
    {
    }

    public override int Next()
    {
        lock (gate) return inner.Next();
    }

    public override int Next(int maxValue)
    {
        lock (gate) return inner.Next(maxValue);
    }

    public override int Next(int minValue, int maxValue)
    {
        lock (gate) return inner.Next(minValue, maxValue);
    }

    public override long NextInt64()
    {
        lock (gate) return inner.NextInt64();
    }

    public override long NextInt64(long maxValue)
    {
        lock (gate) return inner.NextInt64(maxValue);
    }

    public override long NextInt64(long minValue, long maxValue)
    {
        lock (gate) return inner.NextInt64(minValue, maxValue);
    }

    public override double NextDouble()
    {
        lock (gate) return inner.NextDouble();
    }

    public override float NextSingle()
    {
        lock (gate) return inner.NextSingle();
    }

    public override void NextBytes(byte[] buffer)
    {
        lock (gate) inner.NextBytes(buffer);
    }

    public override void NextBytes(Span<byte> buffer)
    {
        lock (gate) inner.NextBytes(buffer);
    }

    protected override double Sample()
    {
        lock (gate) return inner.NextDouble();
    }
}
