using System.Net;
using Flannel.Testbed;

namespace Flanneld.Packaging.Repository;

/// <summary>A folder on the loopback, as any web server would serve it.</summary>
internal sealed class WebServer : IDisposable
{
    private readonly HttpListener listener = new();
    private readonly string folder;

    public WebServer(string folder)
    {
        this.folder = folder;
        Url = $"http://127.0.0.1:{Ports.Free()}";
        listener.Prefixes.Add(Url + "/");
        listener.Start();
        _ = ServeAsync();
    }

    public string Url { get; }

    public void Dispose() => listener.Close();

    private async Task ServeAsync()
    {
        while (listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            await AnswerAsync(context);
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        using var response = context.Response;
        var path = Path.GetFullPath(Path.Combine(folder, Uri.UnescapeDataString(context.Request.Url!.AbsolutePath).TrimStart('/')));
        if (!path.StartsWith(folder + "/", StringComparison.Ordinal) || !File.Exists(path))
        {
            response.StatusCode = 404;
            return;
        }

        try
        {
            await using var file = File.OpenRead(path);
            response.ContentLength64 = file.Length;
            if (context.Request.HttpMethod != "HEAD") await file.CopyToAsync(response.OutputStream);
        }
        catch (HttpListenerException)
        {
            // The client has seen enough.
        }
    }
}
