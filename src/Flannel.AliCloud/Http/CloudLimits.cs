namespace Flannel.AliCloud.Http;

/// <summary>Limits of Alibaba Cloud's APIs, from the documentation page of each action.</summary>
public static class CloudLimits
{
    /// <summary>Entries in one CreateRouteEntries or DeleteRouteEntries (VPC 2016-04-28).</summary>
    public const int EntriesPerBatch = 50;

    /// <summary>Entries on a page of DescribeRouteEntryList (<c>MaxResult</c>).</summary>
    public const int EntriesPerPage = 100;

    /// <summary>Destinations in one DescribeRouteEntryList (<c>DestCidrBlockList</c>).</summary>
    public const int DestinationsPerCall = 20;

    /// <summary>Items on a page of the other lists of the VPC API (<c>PageSize</c>).</summary>
    public const int ItemsPerPage = 50;

    /// <summary>Ids in one DescribeNetworkInterfaces (ECS 2014-05-26), and items on a page of it.</summary>
    public const int InterfacesPerCall = 100;

    /// <summary>Calls of one action of the VPC API per minute and account.</summary>
    public const int VpcCallsPerMinute = 300;

    /// <summary>Calls of one action of the ECS API per minute and account.</summary>
    public const int EcsCallsPerMinute = 500;
}
