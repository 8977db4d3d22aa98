using System.Text;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>A program "aliyun" in place of the Alibaba Cloud CLI. It answers the calls of release.sh as Cloud Assistant does, and records
/// them.</summary>
internal sealed class SimulatedAliyun : IDisposable
{
    // The first result is that of a command that still runs.
    private const string Program = """
        #!/bin/sh
        folder=$(dirname "$0")
        echo "$*" >>"$folder/calls"
        case "$1 $2" in
        "ecs RunCommand")
            cat "$folder/started"
            exit "$(cat "$folder/exit")" ;;
        "ecs DescribeInvocationResults")
            if [ -e "$folder/polled" ]; then cat "$folder/result"; else
                : >"$folder/polled"
                printf '{\n\t"InvocationStatus": "Running",\n\t"Output": ""\n}\n'
            fi ;;
        esac

        """;

    private readonly string folder;

    /// <param name="folder">A new folder for the program, its answers and its records.</param>
    public SimulatedAliyun(string folder)
    {
        this.folder = folder;
        Directory.CreateDirectory(folder);
        var program = Path.Combine(folder, "aliyun");
        File.WriteAllText(program, Program);
        File.SetUnixFileMode(program, (UnixFileMode)Convert.ToInt32("755", 8));
        Answer("""
            {
              "CommandId": "c-1",
              "InvokeId": "t-1",
              "RequestId": "00000000"
            }

            """);
        Result("Success", "10.24.5.0/24 released");
    }

    public string SearchPath => $"{folder}:/usr/bin:/bin";

    /// <summary>The answer of RunCommand.</summary>
    public void Answer(string started, int exitCode = 0)
    {
        File.WriteAllText(Path.Combine(folder, "started"), started);
        File.WriteAllText(Path.Combine(folder, "exit"), $"{exitCode}\n");
    }

    /// <summary>The result of the command, by the example of DescribeInvocationResults.</summary>
    public void Result(string status, string output, string error = "") => File.WriteAllText(Path.Combine(folder, "result"), $$"""
        {
          "Invocation": {
            "InvocationResults": {
              "InvocationResult": [
                {
                  "ErrorCode": "{{(error.Length > 0 ? "ClientNotRunning" : "")}}",
                  "ErrorInfo": "{{error}}",
                  "ExitCode": {{(status == "Success" ? 0 : 1)}},
                  "InvocationStatus": "{{status}}",
                  "InvokeRecordStatus": "Finished",
                  "Output": "{{Convert.ToBase64String(Encoding.UTF8.GetBytes(output + "\n"))}}"
                }
              ]
            }
          }
        }

        """);

    public IReadOnlyList<string> Calls()
    {
        var calls = Path.Combine(folder, "calls");
        return File.Exists(calls) ? File.ReadAllLines(calls) : [];
    }

    /// <summary>Region and instance of each call of RunCommand, in their order.</summary>
    public IReadOnlyList<string> Released() =>
    [
        .. Calls().Where(call => call.StartsWith("ecs RunCommand ", StringComparison.Ordinal))
            .Select(call => call.Split(' ')).Select(words => $"{After(words, "--RegionId")} {After(words, "--InstanceId.1")}"),
    ];

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static string After(string[] words, string name) => words[Array.IndexOf(words, name) + 1];
}
