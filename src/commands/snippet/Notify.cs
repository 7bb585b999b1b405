// Verifies and acknowledges payout notifications signed as the dialect @DIALECT@ says. .NET 6 or later.
// Put it into an empty console project (dotnet new console, without its Program.cs).
// Serve: PAYOUT_NOTIFY_KEY=... PORT=8080 dotnet run
// In a rotation PAYOUT_NOTIFY_RETIRED_KEY is accepted too.
// HttpListener serves only the host in its prefix, here 127.0.0.1:PORT: a proxy must name it so.
// Test:  dotnet run -- VECTORS.json ...
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;

static class Notify
{
    sealed class Scheme
    {
        public string Algorithm, BeforeKey, Key, Separator, Nulls;
        public bool Upper, KeepEmpty;
        public string[] Signed, Unsigned;
    }

    const string SignField = @SIGN_FIELD@;
    static readonly bool ReadsSignType = @READS_SIGN_TYPE@;
    static readonly Scheme[] Schemes = // The first one holds where sign_type says nothing.
    {
        new Scheme { Algorithm = @ALGORITHM@, BeforeKey = @BEFORE_KEY@, Key = @KEY_FORM@, Separator = @SEPARATOR@,
            Upper = @UPPER@, KeepEmpty = @KEEP_EMPTY@, Nulls = @NULLS@,
            Signed = new string[] { @SIGNED@ }, Unsigned = new string[] { @UNSIGNED@ } },
    };
    const string Success = @SUCCESS@;
    const string Refusal = @REFUSAL@;
    // Fields that always come. Without them a value such as "x&fee=0" could swallow a field unseen.
    static readonly string[] Required = { @REQUIRED@ };
    const string StatusField = @STATUS_FIELD@, Method = @METHOD@;
    const string ContentType = @CONTENT_TYPE@; // Without one the fields are in the query.
    static readonly bool StatusIsNumber = @STATUS_IS_NUMBER@;
    const int MaxBody = 65536, MaxDepth = 127;
    static readonly UTF8Encoding Utf8 = new UTF8Encoding(false, true); // Throws where text is none.

    /// <summary>A value: digits as written, nested values as compact JSON and as their children.</summary>
    sealed class Value
    {
        public static readonly Value Nothing = new Value("null", "");
        public readonly string Kind, Text;
        public readonly Dictionary<string, Value> Children;

        public Value(string kind, string text, Dictionary<string, Value> children = null)
        {
            Kind = kind;
            Text = text;
            Children = children ?? new Dictionary<string, Value>(StringComparer.Ordinal);
        }

        public Value Get(string name) => Children.TryGetValue(name, out var found) ? found : Nothing;
    }

    /// <summary>Reads JSON; a FormatException where it is none, or has a name twice.</summary>
    sealed class Reader
    {
        static readonly Regex Word = new Regex(
            @"\G(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)");
        readonly string json;
        int at;

        Reader(string text) { json = text; }

        public static Value Document(string text)
        {
            var reader = new Reader(text);
            var value = reader.Read(1);
            reader.Space();
            return reader.at == text.Length ? value : throw new FormatException();
        }

        void Space()
        {
            while (at < json.Length && " \t\n\r".IndexOf(json[at]) >= 0) at++;
        }

        bool Take(char wanted)
        {
            Space();
            if (at >= json.Length || json[at] != wanted) return false;
            at++;
            return true;
        }

        Value Read(int depth)
        {
            if (Take('"')) return new Value("string", Rest());
            if (Take('{')) return Nested(depth, true);
            if (Take('[')) return Nested(depth, false);
            var word = Word.Match(json, at);
            if (!word.Success) throw new FormatException();
            at += word.Length;
            if (word.Value == "null") return Value.Nothing;
            return new Value(word.Value == "true" || word.Value == "false" ? "boolean" : "number", word.Value);
        }

        Value Nested(int depth, bool isObject)
        {
            var found = new Dictionary<string, Value>(StringComparer.Ordinal);
            var parts = new List<string>();
            char close = isObject ? '}' : ']';
            bool more = !Take(close);
            if (depth > MaxDepth) throw new FormatException();
            while (more)
            {
                var name = found.Count.ToString();
                if (isObject)
                {
                    if (!Take('"')) throw new FormatException();
                    name = Rest();
                    if (found.ContainsKey(name) || !Take(':')) throw new FormatException();
                }
                var value = found[name] = Read(depth + 1);
                var text = value.Kind == "string" ? Quote(value.Text) : value.Kind == "null" ? "null" : value.Text;
                parts.Add(isObject ? Quote(name) + ":" + text : text);
                more = Take(',');
                if (!more && !Take(close)) throw new FormatException();
            }
            var compact = string.Join(",", parts);
            return isObject ? new Value("object", "{" + compact + "}", found) : new Value("array", "[" + compact + "]", found);
        }

        /// <summary>The text of a string whose first quote is read.</summary>
        string Rest()
        {
            var text = new StringBuilder();
            for (; at < json.Length && json[at] != '"'; at++)
            {
                if (json[at] < ' ') throw new FormatException();
                if (json[at] != '\\') { text.Append(json[at]); continue; }
                if (++at >= json.Length) throw new FormatException();
                int plain = "\"\\/bfnrt".IndexOf(json[at]);
                if (plain >= 0) { text.Append("\"\\/\b\f\n\r\t"[plain]); continue; }
                var hex = json.Substring(at, Math.Min(5, json.Length - at));
                if (!Regex.IsMatch(hex, "^u[0-9a-fA-F]{4}$")) throw new FormatException();
                text.Append((char)Convert.ToInt32(hex.Substring(1), 16));
                at += 4;
            }
            if (at++ >= json.Length) throw new FormatException();
            try { Utf8.GetByteCount(text.ToString()); }
            catch (EncoderFallbackException) { throw new FormatException("half of a surrogate pair"); }
            return text.ToString();
        }

        static string Quote(string text)
        {
            var quoted = new StringBuilder("\"");
            foreach (char c in text)
            {
                int escaped = "\"\\\b\f\n\r\t".IndexOf(c);
                if (escaped >= 0) quoted.Append('\\').Append("\"\\bfnrt"[escaped]);
                else if (c < ' ') quoted.Append("\\u").Append(((int)c).ToString("x4"));
                else quoted.Append(c);
            }
            return quoted.Append('"').ToString();
        }
    }

    /// <summary>The members of a JSON object.</summary>
    static Value Members(byte[] body)
    {
        var value = Reader.Document(Utf8.GetString(body));
        return value.Kind == "object" ? value : throw new FormatException();
    }

    static string Hash(string algorithm, string data, string key)
    {
        using (HashAlgorithm hash = algorithm == "hmac-sha256" ? new HMACSHA256(Utf8.GetBytes(key))
            : algorithm == "sha256" ? SHA256.Create() : (HashAlgorithm)MD5.Create())
            return string.Concat(hash.ComputeHash(Utf8.GetBytes(data)).Select(part => part.ToString("x2")));
    }

    /// <summary>Orders as the bytes of UTF-8 do; a plain comparison would order UTF-16.</summary>
    sealed class ByBytes : IComparer<string>
    {
        public int Compare(string a, string b) =>
            string.CompareOrdinal(BitConverter.ToString(Utf8.GetBytes(a)), BitConverter.ToString(Utf8.GetBytes(b)));
    }

    static string Signature(Value members, Scheme scheme, string key)
    {
        var pairs = members.Children
            .Where(member => !scheme.Unsigned.Contains(member.Key))
            .Where(member => scheme.Signed.Length == 0 || scheme.Signed.Contains(member.Key))
            .Where(member => member.Value.Kind == "null" ? scheme.Nulls != "drop" : member.Value.Text != "" || scheme.KeepEmpty)
            .OrderBy(member => member.Key, new ByBytes())
            .Select(member => member.Key + "="
                + (member.Value.Kind == "null" && scheme.Nulls == "text" ? "null" : member.Value.Text));
        var keyText = scheme.Key == "plain" ? key : scheme.Key == "md5" ? Hash("md5", key, "") : "";
        var digest = Hash(scheme.Algorithm, string.Join(scheme.Separator, pairs) + scheme.BeforeKey + keyText, key);
        return scheme.Upper ? digest.ToUpperInvariant() : digest;
    }

    static Scheme Find(string algorithm) => Schemes.FirstOrDefault(scheme => scheme.Algorithm == algorithm);

    static bool Verified(Value members, string key)
    {
        var sign = members.Get(SignField);
        var said = ReadsSignType ? members.Get("sign_type") : Value.Nothing;
        var scheme = Schemes[0];
        if (said.Text != "") scheme = said.Kind == "string" ? Find(said.Text.ToLowerInvariant()) : null;
        else if (Regex.IsMatch(sign.Text, @"\A[0-9a-fA-F]{64}\z")) scheme = Find("hmac-sha256") ?? Find("sha256") ?? scheme;
        return scheme != null && sign.Kind == "string" && sign.Text != ""
            && CryptographicOperations.FixedTimeEquals(Utf8.GetBytes(Signature(members, scheme, key)), Utf8.GetBytes(sign.Text));
    }

    static bool IsPlain(Value value) => (value.Kind == "string" || value.Kind == "number") && value.Text != "";

    /// <summary>Whether the fields are there, plain, and not hidden inside another value.</summary>
    static bool Usable(Value members)
    {
        var hidden = Required.Append("real_amount").Select(name => Schemes[0].Separator + name + "=");
        return Required.All(name => IsPlain(members.Get(name)))
            && !hidden.Any(pair => members.Children.Values.Any(value => value.Text.Contains(pair)))
            && (!StatusIsNumber || Regex.IsMatch(members.Get(StatusField).Text, @"\A[0-9]+\z"));
    }

    /// <summary>Called for every verified notification, duplicates and late ones included.</summary>
    static void Settle(Value members)
    {
        // credit once: in the transaction that stores @ID_FIELD@
        //   BEGIN; INSERT INTO payouts(payout_id, ...) ... ON CONFLICT DO NOTHING; credit or refund only where a
        //   row was inserted or its status became final; COMMIT. Throw where that fails: it is sent again.
        // @STATUS_NOTE@
    }

    /// <summary>The same of the pairs of a form or a query, whose values are all texts.</summary>
    static Value Pairs(string text)
    {
        var members = new Value("object", "");
        foreach (var pair in text.Split('&'))
        {
            var parts = pair.Split('=').Select(part => Uri.UnescapeDataString(part.Replace('+', ' '))).ToArray();
            // What is not UTF-8 stays as it was written.
            if (parts.Length != 2 || Regex.IsMatch(pair, "%(?![0-9A-Fa-f]{2})")) throw new FormatException("no pair");
            members.Children.Add(parts[0], new Value("string", parts[1]));
        }
        return members;
    }

    /// <summary>The HTTP status and the code of the reply.</summary>
    static (int, string) Answer(HttpListenerRequest request, string[] keys)
    {
        if (request.HttpMethod != Method) return (405, "0023");
        var type = (request.ContentType ?? "").Split(';')[0].Trim();
        if (ContentType != "" && !type.Equals(ContentType, StringComparison.OrdinalIgnoreCase)) return (415, "0022");
        var body = new MemoryStream();
        var part = new byte[8192];
        for (int read; (read = request.InputStream.Read(part, 0, part.Length)) > 0;)
        {
            if (body.Length + read > MaxBody) return (413, "0002");
            body.Write(part, 0, read);
        }
        Value members;
        var query = request.RawUrl.Split(new[] { '?' }, 2).Skip(1).FirstOrDefault() ?? "";
        try
        {
            members = ContentType == "application/json" ? Members(body.ToArray())
                : Pairs(ContentType == "" ? query : Utf8.GetString(body.ToArray()));
        }
        catch (Exception error) when (error is FormatException || error is ArgumentException) { return (400, "0021"); }
        if (!keys.Any(key => Verified(members, key))) return (401, "0004");
        if (!Usable(members)) return (400, "0002");
        Settle(members);
        return (200, "0000");
    }

    static void Handle(HttpListenerContext context, string[] keys)
    {
        try
        {
            var answer = (status: 500, code: "9999");
            try { answer = Answer(context.Request, keys); }
            catch (Exception error) when (!(error is HttpListenerException)) { answer.status = 500; }
            var text = Utf8.GetBytes(answer.status == 200 ? Success : Refusal.Replace("CODE", answer.code));
            context.Response.StatusCode = answer.status;
            context.Response.ContentType = Success.StartsWith("{") ? "application/json;charset=utf-8" : "text/plain";
            context.Response.ContentLength64 = text.Length;
            if (context.Request.HttpMethod != "HEAD") context.Response.OutputStream.Write(text, 0, text.Length);
            context.Response.Close();
        }
        catch (Exception) { context.Response.Abort(); } // The client left: it is sent again.
    }

    static int SelfTest(string[] paths)
    {
        int checks = 0, failures = 0;
        foreach (var data in paths.Select(path => Reader.Document(File.ReadAllText(path))))
        foreach (var vector in data.Kind == "array" ? data.Children.Values.ToArray() : new[] { data })
        foreach (var scheme in Schemes)
        {
            var ok = scheme.Algorithm == "md5" ? "OK-MD5" : "OK-HMAC";
            var tries = vector.Get("cases").Children.Values.Select(one => (one.Get("digest"), one.Get("code").Text == ok)).ToList();
            var right = vector.Get(scheme.Algorithm.Replace('-', '_'));
            if (right.Text != "")
            {
                tries.Add((right, true));
                var other = scheme.Upper ? right.Text.ToLowerInvariant() : right.Text.ToUpperInvariant();
                foreach (var wrong in new[] { other, right.Text.Substring(1), "" }) tries.Add((new Value("string", wrong), false));
                tries.Add((new Value("boolean", "true"), false));
            }
            foreach (var one in tries)
            {
                var members = Members(Utf8.GetBytes(vector.Get("payload").Text));
                members.Children[SignField] = one.Item1;
                if (scheme.Unsigned.Contains("sign_type")) members.Children["sign_type"] = new Value("string", scheme.Algorithm);
                checks++;
                if (Verified(members, vector.Get("key").Text) == one.Item2) continue;
                failures++;
                Console.WriteLine("failed: " + vector.Get("id").Text + " " + scheme.Algorithm);
            }
        }
        Console.WriteLine(failures > 0 ? failures + " of " + checks + " checks failed" : "ok: " + checks + " checks");
        return failures > 0 || checks == 0 ? 1 : 0;
    }

    static int Main(string[] arguments)
    {
        if (arguments.Length > 0) return SelfTest(arguments);
        var key = Environment.GetEnvironmentVariable("PAYOUT_NOTIFY_KEY");
        if (string.IsNullOrEmpty(key))
        {
            Console.Error.WriteLine("set PAYOUT_NOTIFY_KEY");
            return 1;
        }
        var retired = Environment.GetEnvironmentVariable("PAYOUT_NOTIFY_RETIRED_KEY");
        var keys = string.IsNullOrEmpty(retired) ? new[] { key } : new[] { key, retired }; // Anyone can sign with an empty key.
        var url = "http://127.0.0.1:" + (Environment.GetEnvironmentVariable("PORT") ?? "8080") + "/";
        var listener = new HttpListener();
        listener.Prefixes.Add(url);
        listener.Start();
        Console.WriteLine("listening on " + url);
        while (true)
        {
            var context = listener.GetContext();
            Task.Run(() => Handle(context, keys));
        }
    }
}
