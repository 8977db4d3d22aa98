namespace Flannel.AliCloud.Http;

internal enum CloudService { Vpc, Ecs, Sts, Quotas }

internal static class CloudServices
{
    /// <summary>The name in host names and in RAM actions.</summary>
    public static string Name(this CloudService service) => service switch
    {
        CloudService.Vpc => "vpc",
        CloudService.Ecs => "ecs",
        CloudService.Sts => "sts",
        _ => "quotas",
    };

    /// <summary>The name in messages.</summary>
    public static string DisplayName(this CloudService service) => service switch
    {
        CloudService.Vpc => "VPC",
        CloudService.Ecs => "ECS",
        CloudService.Sts => "STS",
        _ => "Quotas",
    };

    public static string Version(this CloudService service) => service switch
    {
        CloudService.Vpc => "2016-04-28",
        CloudService.Ecs => "2014-05-26",
        CloudService.Sts => "2015-04-01",
        _ => "2020-05-10",
    };
}
