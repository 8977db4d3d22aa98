namespace Flannel.Packaging.Tests.Cloud.Provider;

/// <summary>
/// The resources that Terraform creates by <see cref="SimulatedProvider"/>. Two rules of the cloud matter for the module: an address is
/// assigned once, and an instance with a route is not deleted.
/// </summary>
/// <param name="released">The instances that have released their routes.</param>
internal sealed class SimulatedCloud(Func<IReadOnlyList<string>> released)
{
    // Automatic addresses begin with that of the etcd host: the worst case.
    private const int FirstAutomaticAddress = 11;

    private readonly Lock gate = new();
    private readonly HashSet<string> addresses = [];
    private readonly List<string> events = [];
    private int created;

    /// <summary>The newest image that data.alicloud_images finds.</summary>
    public string Image { get; set; } = "debian_12_1";

    /// <summary>What was created, updated and deleted, in this order.</summary>
    public IReadOnlyList<string> Events
    {
        get
        {
            lock (gate) return [.. events];
        }
    }

    /// <summary>Fills in what a data source finds.</summary>
    public void Read(string type, Dictionary<string, object?> state)
    {
        var (list, id) = type == "alicloud_images" ? ("images", Image) : ("regions", "cn-test");
        var item = ProviderSchemas.Of("data", type)[list]!.AsObject().Where(part => part.Key.Length > 0)
            .ToDictionary(part => part.Key, object? (part) => part.Key == "id" ? id : null);
        state[list] = new List<object?> { item };
        state["id"] = "data";
    }

    /// <summary>Creates a resource: its id and its address become known.</summary>
    /// <returns>An error; null without one.</returns>
    public string? Create(string type, Dictionary<string, object?> state)
    {
        lock (gate)
        {
            var id = $"{type}-{++created}";
            if (type == "alicloud_instance" && Address(state) is { } error) return error;
            foreach (var (name, _) in state.Where(value => value.Value is Unknown).ToList()) state[name] = null;
            state["id"] = id;
            events.Add($"create {id} {state.GetValueOrDefault("instance_name")}".TrimEnd());
            return null;
        }
    }

    public void Update(Dictionary<string, object?> state)
    {
        lock (gate) events.Add($"update {state["id"]}");
    }

    /// <returns>An error; null without one.</returns>
    public string? Delete(Dictionary<string, object?> state)
    {
        var id = (string)state["id"]!;
        var isInstance = state.ContainsKey("private_ip");
        if (isInstance && !released().Contains($"cn-test {id}")) return $"DependencyViolation.RouteEntry: {id} is used by route entry.";
        lock (gate)
        {
            if (isInstance) addresses.Remove((string)state["private_ip"]!);
            events.Add($"delete {id}");
            return null;
        }
    }

    private string? Address(Dictionary<string, object?> state)
    {
        if (state["private_ip"] is not string address)
        {
            address = Enumerable.Range(FirstAutomaticAddress, 100).Select(last => $"192.168.1.{last}")
                .First(free => !addresses.Contains(free));
            state["private_ip"] = address;
        }
        return addresses.Add(address) ? null : $"InvalidIPAddress.AlreadyUsed: {address} is already used.";
    }
}
