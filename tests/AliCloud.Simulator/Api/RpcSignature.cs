using System.Security.Cryptography;
using System.Text;

namespace AliCloud.Simulator.Api;

/// <summary>The older signature HMAC-SHA1, version 1.0, as the public page describes it. flannel v0.19.2 signs with it; flanneld does
/// not.</summary>
internal static class RpcSignature
{
    public const string Method = "HMAC-SHA1";
    public const string Version = "1.0";

    /// <param name="method">GET or POST.</param>
    /// <param name="parameters">All parameters but the signature.</param>
    public static string StringToSign(string method, IEnumerable<KeyValuePair<string, string>> parameters) =>
        $"{method}&{Acs3.Encode("/")}&{Acs3.Encode(Acs3.CanonicalQuery(parameters))}";

    public static string Compute(string secret, string stringToSign)
    {
#pragma warning disable CA5350 // The protocol prescribes the algorithm.
        return Convert.ToBase64String(HMACSHA1.HashData(Encoding.UTF8.GetBytes(secret + "&"), Encoding.UTF8.GetBytes(stringToSign)));
#pragma warning restore CA5350
    }
}
