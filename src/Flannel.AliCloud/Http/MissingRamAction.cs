namespace Flannel.AliCloud.Http;

/// <summary>A permission that a RAM policy can grant.</summary>
/// <param name="Action">Such as <c>sts:AssumeRole</c>.</param>
/// <param name="Resource">An ARN, or <c>*</c>.</param>
public sealed record MissingRamAction(string Action, string Resource);
