// UnityWebRequest by documented signatures, as UnityEngine.cs has the rest, with real HTTP behind it: a socket, TLS by the platform's trust, and a thread
// for each request, whose news arrive between two frames. The texts of `error` are those that the manual of Addressables lists; where it does not say
// which one a failure has, the one that says least. Nothing of it may be called from another thread than the main one, but Abort and Dispose.
using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Threading;

namespace UnityEngine.Networking
{
    // Networking.DownloadHandler.html
    public class DownloadHandler : IDisposable
    {
        internal DownloadHandler() { }
        public string text { get { return GetText(); } }
        protected virtual string GetText() { return ""; }
        protected virtual bool ReceiveData(byte[] data, int dataLength) { return true; }
        protected virtual void CompleteContent() { }
        internal virtual bool Give(byte[] data) { return ReceiveData(data, data.Length); }
        internal void Complete() { CompleteContent(); }
        public void Dispose() { }
    }

    // Networking.DownloadHandlerBuffer.html
    public sealed class DownloadHandlerBuffer : DownloadHandler
    {
        private readonly MemoryStream content = new MemoryStream();
        protected override bool ReceiveData(byte[] data, int dataLength) { content.Write(data, 0, dataLength); return true; }
        protected override string GetText() { return Encoding.UTF8.GetString(content.ToArray()); }
    }

    // Networking.DownloadHandlerScript.html
    public class DownloadHandlerScript : DownloadHandler
    {
        private readonly byte[] buffer;
        public DownloadHandlerScript(byte[] preallocatedBuffer)
        {
            Engine.OnMain("DownloadHandlerScript");
            if (preallocatedBuffer == null || preallocatedBuffer.Length < 1) { throw new ArgumentException("no buffer"); }
            buffer = preallocatedBuffer;
        }

        // The buffer is filled again and again: what is not copied is overwritten.
        internal override bool Give(byte[] data)
        {
            for (int at = 0; at < data.Length; at += buffer.Length)
            {
                int count = Math.Min(buffer.Length, data.Length - at);
                Array.Copy(data, at, buffer, 0, count);
                if (!ReceiveData(buffer, count)) { return false; }
            }
            return true;
        }
    }

    // Networking.UploadHandler.html
    public class UploadHandler : IDisposable
    {
        internal UploadHandler() { }
        public byte[] data { get; internal set; }
        public string contentType { get; set; }
        public void Dispose() { }
    }

    // Networking.UploadHandlerRaw.html
    public sealed class UploadHandlerRaw : UploadHandler
    {
        public UploadHandlerRaw(byte[] data)
        {
            Engine.OnMain("UploadHandlerRaw");
            this.data = data;
            contentType = "application/octet-stream";
        }
    }

    // Networking.UnityWebRequestAsyncOperation.html
    public class UnityWebRequestAsyncOperation { }

    // Networking.UnityWebRequest.html
    public class UnityWebRequest : IDisposable
    {
        // Networking.UnityWebRequest.Result.html
        public enum Result { InProgress, Success, ConnectionError, ProtocolError, DataProcessingError }

        public const string kHttpVerbGET = "GET", kHttpVerbHEAD = "HEAD", kHttpVerbPOST = "POST";

        // Networking.UnityWebRequest.SetRequestHeader.html: what Unity keeps for itself.
        private static readonly string[] Kept = { "accept-charset", "access-control-request-headers", "access-control-request-method", "connection", "date", "dnt",
            "expect", "host", "keep-alive", "origin", "referer", "te", "trailer", "transfer-encoding", "upgrade", "via" };

        // Requests that are sent and neither done nor given up: what a test looks at.
        public static int Running;

        private readonly object gate = new object();
        private readonly Dictionary<string, string> sent = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        private readonly Queue<byte[]> arrived = new Queue<byte[]>();
        private readonly string uri, verb;
        private readonly UploadHandler upload;
        private Dictionary<string, string> received;
        private Socket socket;
        private string failure;
        private long status;
        private int waiting, redirects;
        private bool begun, whole, aborted, done, counted;
        private Result end = Result.InProgress;
        private string ending;

        public UnityWebRequest(string url, string method, DownloadHandler downloadHandler, UploadHandler uploadHandler)
        {
            Engine.OnMain("UnityWebRequest");
            uri = url;
            verb = method.ToUpperInvariant();
            this.downloadHandler = downloadHandler;
            upload = uploadHandler;
            redirectLimit = 32;
            useHttpContinue = true;
        }

        public static UnityWebRequest Get(string uri) { return new UnityWebRequest(uri, kHttpVerbGET, new DownloadHandlerBuffer(), null); }
        public string url { get { Engine.OnMain("url"); return uri; } }
        public string method { get { return verb; } }
        public int redirectLimit { get; set; }
        public bool useHttpContinue { get; set; }
        public bool isDone { get { Engine.OnMain("isDone"); return done; } }
        public Result result { get { Engine.OnMain("result"); return end; } }
        public string error { get { Engine.OnMain("error"); return ending; } }
        public long responseCode { get { Engine.OnMain("responseCode"); return done ? status : 0; } }
        public DownloadHandler downloadHandler { get; set; }

        public Dictionary<string, string> GetResponseHeaders()
        {
            Engine.OnMain("GetResponseHeaders");
            return done && received != null ? new Dictionary<string, string>(received) : null;
        }

        public void SetRequestHeader(string name, string value)
        {
            Engine.OnMain("SetRequestHeader");
            if (string.IsNullOrEmpty(name)) { throw new ArgumentException("Cannot set a Request Header with a null or empty name"); }
            if (value == null) { throw new ArgumentException("Cannot set a Request header with a null"); }
            if (begun) { throw new InvalidOperationException("UnityWebRequest has already been sent and its request headers cannot be altered"); }
            if (Array.IndexOf(Kept, name.ToLowerInvariant()) >= 0) { throw new InvalidOperationException("Cannot override system-specified headers"); }
            sent[name] = value;
        }

        public UnityWebRequestAsyncOperation SendWebRequest()
        {
            Engine.OnMain("SendWebRequest");
            if (begun) { throw new InvalidOperationException("UnityWebRequest has already been sent; cannot begin sending the request again"); }
            if (Engine.PlainHttpForbidden && uri.StartsWith("http:", StringComparison.Ordinal)) { throw new InvalidOperationException("Insecure connection not allowed"); }
            begun = true;
            if (uri.StartsWith("jar:", StringComparison.Ordinal))
            {
                Engine.NextFrame(FromPackage);
            }
            else
            {
                counted = true;
                Interlocked.Increment(ref Running);
                new Thread(Talk) { IsBackground = true, Name = "UnityWebRequest" }.Start();
                Engine.NextFrame(Step);
            }
            return new UnityWebRequestAsyncOperation();
        }

        // The stub's Android package is a folder.
        private void FromPackage()
        {
            string file = uri.Replace("jar:file://", "").Replace("!", "");
            done = true;
            if (File.Exists(file)) { end = Result.Success; downloadHandler.Give(File.ReadAllBytes(file)); }
            else { end = Result.ConnectionError; ending = "HTTP/1.1 404 Not Found"; }
        }

        public void Abort()
        {
            Socket open;
            lock (gate)
            {
                if (!begun || aborted) { return; }
                aborted = true;
                open = socket;
                if (counted) { counted = false; Interlocked.Decrement(ref Running); }
                Monitor.PulseAll(gate);
            }
            if (open != null) { open.Close(); }
        }

        public void Dispose() { Abort(); }

        // Between two frames, on the main thread.
        private void Step()
        {
            while (true)
            {
                byte[] next = null;
                bool over;
                lock (gate)
                {
                    if (aborted) { Finish(Result.ConnectionError, "Request aborted"); return; }
                    if (arrived.Count > 0) { next = arrived.Dequeue(); waiting -= next.Length; Monitor.PulseAll(gate); }
                    over = whole || failure != null;
                }
                if (next == null)
                {
                    if (!over) { Engine.NextFrame(Step); }
                    else if (failure != null) { Finish(Result.ConnectionError, failure); }
                    else { downloadHandler.Complete(); Finish(status >= 400 ? Result.ProtocolError : Result.Success, status >= 400 ? "HTTP/1.1 " + status + " Such" : null); }
                    return;
                }
                if (!downloadHandler.Give(next))
                {
                    Finish(Result.DataProcessingError, "Data Processing Error, see Download Handler error");
                    Abort();
                    return;
                }
            }
        }

        private void Finish(Result how, string text)
        {
            if (counted) { counted = false; Interlocked.Decrement(ref Running); }
            done = true;
            end = how;
            ending = text;
        }

        // On a thread of the request's.

        private sealed class Broken : Exception { internal Broken(string text) : base(text) { } }

        private void Talk()
        {
            string text = null;
            try { Exchange(new Uri(uri)); }
            catch (Broken error) { text = error.Message; }
            catch (IOException) { text = "Failed to receive data"; }
            catch (ObjectDisposedException) { text = "Request aborted"; }
            catch (Exception) { text = "Unknown Error"; }
            lock (gate)
            {
                if (text == null) { whole = true; } else { failure = text; }
                if (socket != null) { socket.Close(); }
            }
        }

        private void Exchange(Uri to)
        {
            Stream stream = new NetworkStream(Connect(to), false);
            if (to.Scheme == "https")
            {
                bool bad = false;
                var tls = new SslStream(stream, false, (sender, certificate, chain, errors) => { bad = errors != SslPolicyErrors.None; return !bad; });
                try { tls.AuthenticateAsClient(to.DnsSafeHost); }
                catch (Exception error)
                {
                    // Mono's TLS asks nobody where the chain is not whole.
                    throw new Broken(bad || error.ToString().Contains("CERTIFICATE_VERIFY_FAILED") ? "SSL CA certificate error" : "Unable to complete SSL connection");
                }
                stream = tls;
            }
            Send(stream, to);
            Receive(new Reader(stream));
        }

        private Socket Connect(Uri to)
        {
            IPAddress[] addresses;
            try { addresses = Dns.GetHostAddresses(to.DnsSafeHost); }
            catch (SocketException) { throw new Broken("Cannot resolve destination host"); }
            foreach (IPAddress address in addresses)
            {
                var made = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                lock (gate)
                {
                    if (aborted) { made.Close(); throw new Broken("Request aborted"); }
                    socket = made;
                }
                try { made.Connect(address, to.Port); return made; }
                catch (SocketException) { made.Close(); }
            }
            throw new Broken("Cannot connect to destination host");
        }

        private void Send(Stream stream, Uri to)
        {
            var head = new StringBuilder();
            head.Append(verb).Append(' ').Append(to.PathAndQuery).Append(" HTTP/1.1\r\nHost: ").Append(to.Authority).Append("\r\n");
            if (upload != null && !sent.ContainsKey("Content-Type")) { head.Append("Content-Type: ").Append(upload.contentType).Append("\r\n"); }
            foreach (KeyValuePair<string, string> header in sent) { head.Append(header.Key).Append(": ").Append(header.Value).Append("\r\n"); }
            if (upload != null) { head.Append("Content-Length: ").Append(upload.data.Length).Append("\r\n"); }
            byte[] bytes = Encoding.ASCII.GetBytes(head.Append("Connection: close\r\n\r\n").ToString());
            stream.Write(bytes, 0, bytes.Length);
            if (upload != null) { stream.Write(upload.data, 0, upload.data.Length); }
            stream.Flush();
        }

        private void Receive(Reader from)
        {
            string line = from.Line();
            if (line == null) { throw new Broken("Received no data in response"); }
            int code;
            if (!line.StartsWith("HTTP/1.", StringComparison.Ordinal) || line.Length < 12 || !int.TryParse(line.Substring(9, 3), out code)) { throw new Broken("Unsupported Protocol"); }
            var found = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            while ((line = from.Line()) != "")
            {
                int colon = line == null ? -1 : line.IndexOf(':');
                if (colon < 1) { throw new Broken("Failed to receive data"); }
                found[line.Substring(0, colon)] = line.Substring(colon + 1).Trim();
            }
            string where;
            if (code >= 300 && code < 400 && code != 304)
            {
                // Networking.UnityWebRequest-redirectLimit.html: what is beyond the limit ends it with this text. Whether there is a code then it does not say.
                if (redirects++ >= redirectLimit) { throw new Broken("Redirect limit exceeded"); }
                if (!found.TryGetValue("Location", out where)) { throw new Broken("Encountered invalid redirect (missing Location header?)"); }
                lock (gate) { socket.Close(); }
                Exchange(new Uri(where));
                return;
            }
            lock (gate) { status = code; received = found; }
            string length, coding;
            if (verb == kHttpVerbHEAD || code == 204 || code == 304) { return; }
            if (found.TryGetValue("Transfer-Encoding", out coding) && coding == "chunked")
            {
                int size;
                while ((size = Convert.ToInt32(from.Line(), 16)) > 0) { Body(from, size); from.Line(); }
            }
            else { Body(from, found.TryGetValue("Content-Length", out length) ? long.Parse(length) : long.MaxValue); }
        }

        private void Body(Reader from, long size)
        {
            bool known = size != long.MaxValue;
            while (size > 0)
            {
                byte[] some = from.Some((int)Math.Min(size, 65536));
                if (some.Length == 0)
                {
                    // What Unity says of a body that ends early is not documented.
                    if (known) { throw new Broken("Unknown Error"); }
                    return;
                }
                size -= some.Length;
                lock (gate)
                {
                    while (waiting > 1 << 20 && !aborted) { Monitor.Wait(gate); }
                    if (aborted) { throw new Broken("Request aborted"); }
                    arrived.Enqueue(some);
                    waiting += some.Length;
                }
            }
        }

        private sealed class Reader
        {
            private readonly Stream stream;
            private readonly byte[] buffer = new byte[65536];
            private int at, end;

            internal Reader(Stream stream) { this.stream = stream; }

            private bool Fill()
            {
                if (at == end) { at = 0; end = stream.Read(buffer, 0, buffer.Length); }
                return at < end;
            }

            // Null at the end.
            internal string Line()
            {
                var text = new StringBuilder();
                while (Fill())
                {
                    char c = (char)buffer[at++];
                    if (c == '\n') { return text.ToString().TrimEnd('\r'); }
                    text.Append(c);
                }
                return text.Length == 0 ? null : text.ToString();
            }

            internal byte[] Some(int most)
            {
                if (!Fill()) { return new byte[0]; }
                int count = Math.Min(most, end - at);
                var some = new byte[count];
                Array.Copy(buffer, at, some, 0, count);
                at += count;
                return some;
            }
        }
    }
}
