namespace Flannel.AliCloud.Tests.Support;

/// <summary>The seeds of the property tests. They are fixed, so that a failure can be reproduced. CsCheck prints the seed of a failing
/// case.</summary>
internal static class Seeds
{
    public const string Encoding = "0000KQF3RoDv";
    public const string Query = "0001c5yT2aXL";
    public const string Order = "0002RwPq8ZnB";
    public const string Bytes = "0003mN7kVs4E";
    public const string Texts = "0004hJ9xCg6W";
}
