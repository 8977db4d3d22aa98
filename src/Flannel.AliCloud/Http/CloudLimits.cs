namespace Flannel.AliCloud.Http;

/// <summary>The limits of Alibaba Cloud's APIs that a caller has to respect, each from the page of the action that it belongs to.</summary>
public static class CloudLimits
{
    /// <summary>Entries in one CreateRouteEntries or DeleteRouteEntries (VPC 2016-04-28).</summary>
    public const int EntriesPerBatch = 50;

    /// <summary>Entries on one page of DescribeRouteEntryList (<c>MaxResult</c>).</summary>
    public const int EntriesPerPage = 100;

    /// <summary>Items on one page of the other lists of the VPC API (<c>PageSize</c>).</summary>
    public const int ItemsPerPage = 50;

    /// <summary>Ids in one DescribeNetworkInterfaces (ECS 2014-05-26), and items on one page of it.</summary>
    public const int InterfacesPerCall = 100;
}
