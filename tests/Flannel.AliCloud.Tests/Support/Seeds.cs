namespace Flannel.AliCloud.Tests.Support;

/// <summary>Where the property tests begin: fixed, so that a failure can be seen again. CsCheck prints the seed of the failing case itself.</summary>
internal static class Seeds
{
    public const string Encoding = "0000KQF3RoDv";
    public const string Query = "0001c5yT2aXL";
    public const string Order = "0002RwPq8ZnB";
    public const string Bytes = "0003mN7kVs4E";
    public const string Texts = "0004hJ9xCg6W";
}
