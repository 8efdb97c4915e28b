using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using Reprieve;

[AttributeUsage(AttributeTargets.Method)]
internal sealed class TestAttribute : Attribute { }

/// <summary>Tests of the C# binding: Tests.exe HEADER [PART-OF-A-NAME].</summary>
internal static partial class Tests
{
    private const string App = "vendor = \"acme\"\nsecret = \"c2l4dGVlbiBieXRlcyBvciBtb3Jl\"\n"
        + "roots = [{ kid = \"root-1\", x = \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\" }]\n"
        + "endpoints = [\"https://one.example/renew\", \"https://two.example/renew\"]\n";

    private const string Policy = "{\"schema\": 1, \"id\": \"acme\", \"version\": 1, \"default_tier\": \"basic\", \"governance\": {\"approvals\": 2,"
        + " \"max_extension\": \"7d\"}, \"tiers\": {\"basic\": {\"budget\": {\"limit\": \"20d\", \"window\": \"90d\"}, \"warn\": [\"24h\"],"
        + " \"network\": {\"allowance\": \"14d\", \"stages\": [{\"after\": \"0s\", \"access\": \"full\"}, {\"after\": \"7d\", \"access\": \"limited\"}]},"
        + " \"unknown\": {\"allowance\": \"3d\"}}}}";

    private const string Scenario = "{\"name\": \"test\", \"sku\": \"cad\", \"policy\": " + Policy + ", \"steps\": ["
        + "{\"lease\": {\"license\": \"L1\", \"features\": [\"core\"], \"ttl\": \"24h\"}}, {\"advance\": \"25h\"}, {\"report\": \"network\"},"
        + "{\"check\": \"core\"}, {\"events\": true}]}";

    private const long Start = 1767225600;

    private static string header;

    private static int Main(string[] args)
    {
        if (args.Length > 0 && args[0] == "--without-library")
        {
            try
            {
                Client.OpenText(App).Dispose();
                return 3;
            }
            catch (ReprieveLibraryException error)
            {
                return error.Code == ErrorCode.Library && error.Message.Contains("`reprieve` was not found") ? 0 : 4;
            }
        }
        if (args.Length > 0 && args[0] == "--other-library")
        {
            try
            {
                Client.OpenText(App).Dispose();
                return 3;
            }
            catch (ReprieveLibraryException error)
            {
                Console.WriteLine(error.Message);
                return error.Code == ErrorCode.Library ? 0 : 4;
            }
        }
        if (args.Length == 0)
        {
            Console.Error.WriteLine("usage: Tests.exe HEADER [PART-OF-A-NAME]");
            return 2;
        }
        header = File.ReadAllText(args[0]);
        int passed = 0, failed = 0;
        foreach (MethodInfo test in typeof(Tests).GetMethods(BindingFlags.NonPublic | BindingFlags.Static)
            .Where(method => method.IsDefined(typeof(TestAttribute), false) && (args.Length < 2 || method.Name.Contains(args[1])))
            .OrderBy(method => method.MetadataToken))
        {
            try
            {
                test.Invoke(null, null);
                passed++;
            }
            catch (TargetInvocationException error)
            {
                failed++;
                Console.WriteLine("FAILED: {0}: {1}", test.Name, error.InnerException);
            }
        }
        Console.WriteLine("{0} passed, {1} failed", passed, failed);
        return failed == 0 ? 0 : 1;
    }

    // The binding itself: what it declares is what the header declares.

    private static Type Internal(string name)
    {
        return typeof(Client).Assembly.GetType("Reprieve." + name, true);
    }

    private static IEnumerable<MethodInfo> Imports()
    {
        return Internal("NativeMethods").GetMethods(BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Where(method => (method.Attributes & MethodAttributes.PinvokeImpl) != 0);
    }

    private static string Bare(string text)
    {
        return Regex.Replace(Regex.Replace(text, @"/\*.*?\*/", " ", RegexOptions.Singleline), "//[^\n]*", " ");
    }

    [Test]
    private static void Entry_points_are_the_headers()
    {
        string[] declared = Regex.Matches(Regex.Replace(Bare(header), "(?m)^#.*$", ""), @"\b(reprieve_[a-z0-9_]+)\s*\([^)]*\)\s*;").Cast<Match>()
            .Select(match => match.Groups[1].Value).OrderBy(name => name, StringComparer.Ordinal).ToArray();
        string[] imported = Imports().Select(method => method.Name).Distinct().OrderBy(name => name, StringComparer.Ordinal).ToArray();
        True(declared.Length > 50, "the header was read");
        Equal(string.Join("\n", declared), string.Join("\n", imported));
    }

    [Test]
    private static void Parameters_are_as_many_as_the_headers()
    {
        foreach (Match match in Regex.Matches(Regex.Replace(Bare(header), "(?m)^#.*$", ""), @"\b(reprieve_[a-z0-9_]+)\s*\(([^)]*)\)\s*;"))
        {
            string list = match.Groups[2].Value.Trim();
            int declared = list == "void" || list == "" ? 0 : list.Split(',').Length;
            foreach (MethodInfo import in Imports().Where(method => method.Name == match.Groups[1].Value))
            {
                Equal(declared, import.GetParameters().Length, import.Name);
            }
        }
    }

    [Test]
    private static void Handles_are_passed_as_handles()
    {
        foreach (MethodInfo import in Imports())
        {
            foreach (ParameterInfo parameter in import.GetParameters().Where(parameter => parameter.ParameterType == typeof(IntPtr)))
            {
                True(import.Name.EndsWith("_free", StringComparison.Ordinal) || parameter.Name == "noError", import.Name + " " + parameter.Name);
            }
        }
        foreach (Type type in typeof(Client).Assembly.GetTypes())
        {
            True(type.GetMethod("Finalize", BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly) == null, type + " has a finalizer");
        }
    }

    [Test]
    private static void Structures_have_the_headers_sizes_and_fields()
    {
        var fields = new Dictionary<string, string>
        {
            { "TimeData", "reprieve_time" }, { "DecisionData", "reprieve_decision" }, { "AnswerData", "reprieve_answer" },
            { "EventData", "reprieve_event_info" }, { "LedgerData", "reprieve_ledger_info" },
            { "RenewalSettingsData", "reprieve_renewal_settings" }, { "RenewalTaskData", "reprieve_renewal_task" },
            { "RenewalStateData", "reprieve_renewal_state" },
        };
        foreach (KeyValuePair<string, string> pair in fields)
        {
            Type type = Internal(pair.Key);
            string body = Regex.Match(Bare(header), @"typedef struct " + pair.Value + @"\s*\{([^}]*)\}").Groups[1].Value;
            string[] declared = body.Split(';').Select(line => line.Trim()).Where(line => line != "")
                .Select(line => Regex.Match(line, @"(\w+)$").Value).ToArray();
            FieldInfo[] ours = type.GetFields(BindingFlags.NonPublic | BindingFlags.Instance).OrderBy(field => field.MetadataToken).ToArray();
            Equal(string.Join(" ", declared), string.Join(" ", ours.Select(field => field.Name)), pair.Value);
            FieldInfo size = type.GetField("Size", BindingFlags.NonPublic | BindingFlags.Static);
            Equal(size == null ? 16 : (int)(uint)size.GetRawConstantValue(), Marshal.SizeOf(type), pair.Value);
        }
    }

    [Test]
    private static void Numbers_are_the_headers()
    {
        var families = new Dictionary<string, Type>
        {
            { "ACCESS", typeof(Access) }, { "STATE", typeof(State) }, { "REASON", typeof(Reason) }, { "CLOCK", typeof(ClockStanding) },
            { "LEDGER", typeof(LedgerStanding) }, { "FLAG", typeof(LedgerFlags) }, { "DOCUMENT", typeof(DocumentKind) }, { "REFUSAL", typeof(Refusal) },
            { "OUTAGE", typeof(Outage) }, { "EVENT", typeof(EventKind) }, { "UPKEEP", typeof(Upkeep) }, { "TASK", typeof(TaskKind) },
            { "STATUS", typeof(ErrorCode) }, { "RENEWAL", typeof(RenewalKind) }, { "FAILURE", typeof(RenewalFailure) },
            { "OUTCOME", typeof(RenewalOutcome) },
        };
        var found = new HashSet<string>();
        foreach (Match match in Regex.Matches(header, @"(?m)^#define REPRIEVE_([A-Z]+)_([A-Z_]+) (\d+)$"))
        {
            Type type;
            if (!families.TryGetValue(match.Groups[1].Value, out type))
            {
                continue;
            }
            string name = string.Concat(match.Groups[2].Value.Split('_').Select(part => part.Substring(0, 1) + part.Substring(1).ToLowerInvariant()));
            found.Add(type.Name + name);
            True(Enum.IsDefined(type, name), type.Name + " has no " + name);
            Equal(int.Parse(match.Groups[3].Value), (int)Enum.Parse(type, name), type.Name + "." + name);
        }
        foreach (Type type in families.Values)
        {
            foreach (string name in Enum.GetNames(type))
            {
                bool own = type == typeof(ErrorCode) && (name == "Ok" || name == "Library") || type == typeof(LedgerFlags) && name == "None";
                True(own || found.Contains(type.Name + name), "the header has no " + type.Name + "." + name);
            }
        }
        Func<string, uint> version = part => uint.Parse(Regex.Match(header, "REPRIEVE_ABI_VERSION_" + part + @" (\d+)").Groups[1].Value);
        Equal(version("MAJOR"), (uint)Internal("NativeMethods").GetField("AbiMajor", BindingFlags.NonPublic | BindingFlags.Static).GetRawConstantValue());
        Equal(version("MINOR"), (uint)Internal("NativeMethods").GetField("AbiMinor", BindingFlags.NonPublic | BindingFlags.Static).GetRawConstantValue());
    }

    private static string NativeWord(string function, int number)
    {
        object text = Imports().Single(method => method.Name == function).Invoke(null, new object[] { (uint)number });
        return Marshal.PtrToStringAnsi((IntPtr)text);
    }

    [Test]
    private static void Words_are_the_librarys()
    {
        Action<string, Func<int, string>> same = (function, word) =>
        {
            for (int number = 0; number < 40; number++)
            {
                string native = NativeWord(function, number);
                Equal(native == "unrecognized" ? number.ToString() : native, word(number), function);
            }
        };
        same("reprieve_access_str", number => ((Access)number).Word());
        same("reprieve_state_str", number => ((State)number).Word());
        same("reprieve_reason_str", number => ((Reason)number).Word());
        same("reprieve_clock_str", number => ((ClockStanding)number).Word());
        same("reprieve_ledger_str", number => ((LedgerStanding)number).Word());
        same("reprieve_document_str", number => ((DocumentKind)number).Word());
        same("reprieve_refusal_str", number => ((Refusal)number).Word());
        same("reprieve_outage_str", number => ((Outage)number).Word());
        same("reprieve_event_kind_str", number => ((EventKind)number).Word());
        same("reprieve_failure_str", number => ((RenewalFailure)number).Word());
        same("reprieve_outcome_str", number => ((RenewalOutcome)number).Word());
        Equal("-7", ((Access)(-7)).Word());
    }

    [Test]
    private static void A_library_of_another_version_is_named()
    {
        MethodInfo misfit = typeof(ReprieveLibrary).GetMethod("Misfit", BindingFlags.NonPublic | BindingFlags.Static);
        Func<uint, uint, string> ask = (major, minor) => (string)misfit.Invoke(null, new object[] { major << 16 | minor, "lib" });
        Equal(null, ask(0, 1));
        Equal(null, ask(0, 9));
        True(ask(0, 0).Contains("0.0"), ask(0, 0));
        True(ask(1, 1).Contains("1.1"), ask(1, 1));
    }

    private static string WithLibraryIn(string folder, string word)
    {
        var start = new ProcessStartInfo
        {
            FileName = Process.GetCurrentProcess().MainModule.FileName,
            Arguments = "\"" + typeof(Tests).Assembly.Location + "\" " + word,
            UseShellExecute = false,
            WorkingDirectory = Path.GetTempPath(),
            RedirectStandardOutput = true,
        };
        start.EnvironmentVariables.Remove("LD_LIBRARY_PATH");
        start.EnvironmentVariables.Remove("DYLD_LIBRARY_PATH");
        if (folder != null)
        {
            start.EnvironmentVariables["LD_LIBRARY_PATH"] = folder;
        }
        using (Process process = Process.Start(start))
        {
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Equal(0, process.ExitCode, output);
            return output;
        }
    }

    [Test]
    private static void A_missing_library_is_named()
    {
        WithLibraryIn(null, "--without-library");
    }

    [Test]
    private static void A_loaded_library_of_another_version_is_named_with_its_file()
    {
        if (!File.Exists("/usr/bin/cc"))
        {
            Console.WriteLine("not run: A_loaded_library_of_another_version_is_named_with_its_file; there is no cc");
            return;
        }
        InFolder(folder =>
        {
            string source = Path.Combine(folder, "other.c"), library = Path.Combine(folder, "libreprieve.so");
            File.WriteAllText(source, "unsigned reprieve_abi_version(void) { return 7u << 16 | 5u; }\n");
            using (Process cc = Process.Start(new ProcessStartInfo("/usr/bin/cc", "-shared -fPIC -o \"" + library + "\" \"" + source + "\"") { UseShellExecute = false }))
            {
                cc.WaitForExit();
                Equal(0, cc.ExitCode);
            }
            string message = WithLibraryIn(folder, "--other-library");
            foreach (string part in new[] { library, "ABI version 7.5", "needs 0.1", "update" })
            {
                True(message.Contains(part), part + " in " + message);
            }
        });
    }

    [Test]
    private static void Library_says_what_it_is()
    {
        True(Regex.IsMatch(ReprieveLibrary.Version, @"^\d+\.\d+\.\d+"), ReprieveLibrary.Version);
        long before = ReprieveLibrary.HandleCount;
        using (Memory())
        {
            Equal(before + 1, ReprieveLibrary.HandleCount);
        }
        Equal(before, ReprieveLibrary.HandleCount);
    }

    // Time.

    [Test]
    private static void Times_are_written_as_the_library_writes_them()
    {
        MethodInfo format = Imports().Single(method => method.Name == "reprieve_time_format");
        Type data = Internal("TimeData");
        var cases = new List<ReprieveTime>
        {
            new ReprieveTime(0, 0), new ReprieveTime(Start, 0), new ReprieveTime(Start, 500000000), new ReprieveTime(-1, 999999999),
            new ReprieveTime(-62167219200, 0), new ReprieveTime(-62167219201, 0), new ReprieveTime(253402300799, 1), new ReprieveTime(253402300800, 0),
            new ReprieveTime(951782399, 120), new ReprieveTime(951782400, 0), new ReprieveTime(long.MaxValue, 999999999), new ReprieveTime(long.MinValue, 0),
        };
        var random = new Random(7);
        for (int at = 0; at < 2000; at++)
        {
            cases.Add(new ReprieveTime((long)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(1, 18))), (uint)random.Next(1000000000)));
        }
        foreach (ReprieveTime time in cases)
        {
            object value = Activator.CreateInstance(data);
            data.GetField("seconds", BindingFlags.NonPublic | BindingFlags.Instance).SetValue(value, time.Seconds);
            data.GetField("nanos", BindingFlags.NonPublic | BindingFlags.Instance).SetValue(value, time.Nanos);
            data.GetField("present", BindingFlags.NonPublic | BindingFlags.Instance).SetValue(value, 1u);
            var buffer = new byte[64];
            object[] arguments = { value, buffer, (UIntPtr)64u, UIntPtr.Zero, null };
            Equal(0u, (uint)format.Invoke(null, arguments));
            Equal(Encoding.UTF8.GetString(buffer, 0, (int)((UIntPtr)arguments[3]).ToUInt32()), time.ToString());
        }
    }

    [Test]
    private static void Times_convert_and_compare()
    {
        var time = new ReprieveTime(Start, 123456789);
        Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(1234567), time.ToDateTimeOffset());
        Equal(TimeSpan.Zero, time.ToDateTimeOffset().Offset);
        Equal(new ReprieveTime(Start, 123456700), ReprieveTime.FromDateTimeOffset(time.ToDateTimeOffset()));
        Equal(new ReprieveTime(Start, 0), ReprieveTime.FromDateTimeOffset(new DateTimeOffset(2026, 1, 1, 2, 0, 0, TimeSpan.FromHours(2))));
        Equal(new ReprieveTime(-1, 500000000), ReprieveTime.FromDateTimeOffset(new ReprieveTime(-1, 500000000).ToDateTimeOffset()));
        Equal(DateTimeOffset.MinValue, new ReprieveTime(long.MinValue, 0).ToDateTimeOffset());
        Equal(DateTimeOffset.MaxValue, new ReprieveTime(long.MaxValue, 0).ToDateTimeOffset());
        Equal(DateTimeOffset.MinValue, ReprieveTime.FromDateTimeOffset(DateTimeOffset.MinValue).ToDateTimeOffset());
        Equal(DateTimeOffset.MaxValue, ReprieveTime.FromDateTimeOffset(DateTimeOffset.MaxValue).ToDateTimeOffset());
        var later = new ReprieveTime(Start, 123456790);
        ReprieveTime same = time;
        True(time < later && later > time && time <= same && time >= same && time == same && time != later, "operators");
        True(time.Equals((object)same) && !time.Equals("x") && time.GetHashCode() == same.GetHashCode(), "equality");
        Equal(-1, time.CompareTo(later));
        Equal(1, ((IComparable)time).CompareTo(null));
        Throws<ArgumentException>(() => ((IComparable)time).CompareTo("x"));
        Equal(new ReprieveTime(2, 500000000), new ReprieveTime(0, 2500000000));
        Throws<OverflowException>(() => new ReprieveTime(long.MaxValue, 1000000000));
        Equal("1970-01-01T00:00:00Z", default(ReprieveTime).ToString());
    }

    // Opening.

    private static Client Memory()
    {
        return Client.OpenText(App, new OpenOptions { InMemory = true });
    }

    private static void InFolder(Action<string> test)
    {
        string folder = Path.Combine(Path.GetTempPath(), "reprieve-csharp-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        try
        {
            test(folder);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static OpenOptions In(string folder)
    {
        return new OpenOptions { Folder = Path.Combine(folder, "ledger"), Witness = Path.Combine(folder, "witness") };
    }

    [Test]
    private static void A_new_ledger_knows_no_license()
    {
        using (Client client = Memory())
        {
            Decision decision = client.Check("cad", "core");
            Equal(Access.Denied, decision.Access);
            Equal(State.Unlicensed, decision.State);
            Equal(Reason.None, decision.Reason);
            Equal(ClockStanding.Ok, decision.Clock);
            Equal(LedgerStanding.Ok, decision.Ledger);
            Equal(LedgerFlags.InMemory, decision.Flags);
            True(!decision.Allowed, "not allowed");
            True(decision.Stage == null && decision.Until == null && decision.Ends == null && decision.LeaseEnd == null, "nothing else");
            True(Math.Abs((decision.T.ToDateTimeOffset() - DateTimeOffset.UtcNow).TotalMinutes) < 5, decision.T.ToString());
            Equal("denied (unlicensed)", decision.ToString());
        }
        Equal(Access.Unknown, default(Decision).Access);
    }

    [Test]
    private static void Ledgers_open_from_an_application_file()
    {
        InFolder(folder =>
        {
            string file = Path.Combine(folder, "reprieve.toml");
            File.WriteAllText(file, App + "[place]\nfolder = \"here\"\nwitness = \"there\"\n");
            string id;
            using (Client client = Client.Open(file))
            {
                id = client.LedgerId();
                True(Directory.GetFiles(Path.Combine(folder, "here")).Length > 0, "the ledger lies in the application file's folder");
            }
            using (Client client = Client.Open(file, new OpenOptions { Create = false, LockTimeout = TimeSpan.FromSeconds(1), Upkeep = Upkeep.Own }))
            {
                Equal(id, client.LedgerId());
                Equal(State.Unlicensed, client.Check("cad", "core").State);
                client.Upkeep();
            }
            using (Client client = Client.Open(file, In(folder)))
            {
                True(client.LedgerId() != id, "another folder, another ledger");
                Equal(Path.Combine(folder, "ledger"), client.Status("cad").Folder);
            }
            Fails<LedgerException>(ErrorCode.Missing, () => Client.Open(file, new OpenOptions { Folder = Path.Combine(folder, "none"), Create = false }));
        });
    }

    [Test]
    private static void What_cannot_be_opened_is_named()
    {
        Fails<ReprieveInputException>(ErrorCode.App, () => Client.Open("/there/is/no/such/file.toml"));
        Fails<ReprieveInputException>(ErrorCode.App, () => Client.OpenText("vendor = 1"));
        Fails<ReprieveInputException>(ErrorCode.Argument, () => Client.Open(""));
        Fails<ReprieveInputException>(ErrorCode.Argument, () => Client.Open("a\ud800b"));
        Fails<ReprieveInputException>(ErrorCode.Argument, () => Client.OpenText(App, new OpenOptions { Folder = "" }));
        Fails<ReprieveInputException>(ErrorCode.Argument, () => Client.OpenText(App, new OpenOptions { Folder = "a\0b" }));
        Fails<ReprieveInputException>(ErrorCode.Argument, () => Client.OpenText(App, new OpenOptions { Upkeep = (Upkeep)7 }));
        Fails<ReprieveInputException>(ErrorCode.Argument, () => Client.OpenText(App, new OpenOptions { LockTimeout = TimeSpan.FromDays(99) }));
        Fails<ReprieveInputException>(ErrorCode.Argument, () => Client.OpenText(App, new OpenOptions { LockTimeout = TimeSpan.FromSeconds(-1) }));
        Throws<ArgumentNullException>(() => Client.Open(null));
        Throws<ArgumentNullException>(() => Client.OpenText(null));
        InFolder(folder =>
        {
            Client.OpenText(App, In(folder)).Dispose();
            Fails<LedgerKeyException>(ErrorCode.WrongKey, () => Client.OpenText(App.Replace("c2l4dGVlbi", "AAAAAAAAAA"), In(folder)));
            string file = Directory.GetFiles(Path.Combine(folder, "ledger")).OrderByDescending(path => new FileInfo(path).Length).First();
            File.WriteAllText(file, "no ledger");
            Fails<LedgerException>(ErrorCode.NotALedger, () => Client.OpenText(App, In(folder)));
        });
    }

    [Test]
    private static void Codes_become_a_tree_of_exceptions()
    {
        MethodInfo of = typeof(ReprieveException).GetMethod("Of", BindingFlags.NonPublic | BindingFlags.Static);
        Action<int, Type> same = (code, type) =>
        {
            var made = (ReprieveException)of.Invoke(null, new object[] { (ErrorCode)code, "text" });
            Equal(type, made.GetType(), code.ToString());
            Equal(code, (int)made.Code);
            Equal("text", made.Message);
        };
        same(100, typeof(ReprieveInputException));
        same(199, typeof(ReprieveInputException));
        same(200, typeof(LedgerKeyException));
        same(300, typeof(LedgerException));
        same(301, typeof(LedgerBusyException));
        same(400, typeof(ReprieveClosedException));
        same(401, typeof(ReprieveException));
        same(402, typeof(ReprieveException));
        same(901, typeof(ReprieveInternalException));
        same(1234567, typeof(ReprieveException));
        True(typeof(LedgerException).IsAssignableFrom(typeof(LedgerBusyException)), "busy is of the ledger");
        True(typeof(LedgerException).IsAssignableFrom(typeof(LedgerKeyException)), "keys are of the ledger");
    }

    // Names, and what is none.

    [Test]
    private static void Odd_names_are_unknown_and_never_throw()
    {
        using (Client client = Memory())
        {
            foreach (string odd in new[]
            {
                null, "", " ", "a b", "export.*", "*", "a\0b", "\0", "é", "名", "\ud83d\ude00", "\ud800", "a\udc00b", "\ude00\ud83d", "\ufffd",
                new string('x', 129), new string('x', 300), new string('\ud800', 300), new string('名', 170), new string('名', 171), new string('\0', 300),
                new string('x', 1000000), "\"\\\n",
            })
            {
                foreach (Decision decision in new[] { client.Check("cad", odd), client.Check(odd, "core"), client.Check(odd, odd) })
                {
                    Equal(Access.Unknown, decision.Access);
                    Equal(State.None, decision.State);
                    True(decision.T.Seconds > Start, "a time is there");
                }
                string why = client.Explain("cad", odd);
                True(why.StartsWith("{\"t\":", StringComparison.Ordinal) && why.Contains("\"access\":\"unknown\"") && why.Contains("\"trouble\":\"")
                    && why.EndsWith("}", StringComparison.Ordinal), why.Length > 2000 ? "long" : why);
            }
            Equal(Access.Denied, client.Check("cad", new string('x', 128)).Access);
            Equal(Access.Denied, client.Check("A-Z_0:9@/+.", "core").Access);
        }
    }

    [Test]
    private static void Odd_arguments_are_refused()
    {
        using (Client client = Memory())
        {
            foreach (string odd in new[] { "", "a b", "\0", "\ud800", new string('x', 300) })
            {
                Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Status(odd));
                Fails<ReprieveInputException>(ErrorCode.Argument, () => client.NextEvent(odd));
                Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Acknowledge(odd, 0, 0));
                Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Appeal(odd, "text"));
            }
            Fails<ReprieveInputException>(ErrorCode.Argument, () => client.NextEvent("a/b"));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Acknowledge("ui", -1, 0));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Acknowledge("ui", 0, -1));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Appeal(null, ""));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Appeal(null, new string('x', 10001)));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Report((Outage)0));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Report((Outage)99));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Import("a\ud800b"));
            Fails<ReprieveInputException>(ErrorCode.Claims, () => client.Renew(""));
            Fails<ReprieveInputException>(ErrorCode.Claims, () => client.Renew("{\"documents\": 7}"));
            Throws<ArgumentNullException>(() => client.Status(null));
            Throws<ArgumentNullException>(() => client.NextEvent(null));
            Throws<ArgumentNullException>(() => client.Import((byte[])null));
            Throws<ArgumentNullException>(() => client.Import((string)null));
            Throws<ArgumentNullException>(() => client.Renew((byte[])null));
            Throws<ArgumentNullException>(() => client.Renew((string)null));
            Throws<ArgumentNullException>(() => client.Appeal(null, null));
            Throws<ArgumentNullException>(() => client.Acknowledge("ui", null));
            foreach (string odd in new[] { "", "x", "a.b.c", "\0", "{}", new string('.', 100000) })
            {
                Answer answer = client.Import(odd);
                True(!answer.Accepted && answer.Error == Refusal.Malformed && answer.Kind == DocumentKind.None && answer.License == null, odd);
                True(answer.Detail.Length > 0, "words are there");
                Equal("none: refused (malformed)", answer.ToString());
            }
            Equal(Refusal.Malformed, client.Import(new byte[] { 0xff, 0, 0x80 }).Error);
        }
    }

    // A feature that is asked about again and again.

    [Test]
    private static void A_feature_answers_as_its_name_does()
    {
        using (Drill drill = Drill.FromScenario(Scenario))
        using (Client client = drill.Client())
        using (Feature core = client.Feature("cad", "core"))
        using (Feature none = client.Feature("cad", "none"))
        {
            Equal("cad core", core.Sku + " " + core.Name);
            Equal(State.Unlicensed, core.Check().State);
            True(!core.Allowed && !core.Check().Allowed, "no lease");
            client.Import(Lease(drill));
            for (int hours = 0; hours < 24 * 20; hours += 11)
            {
                Decision named = client.Check("cad", "core");
                foreach (Decision decision in new[] { core.Check(), core.Check() })
                {
                    Equal(named.ToString(), decision.ToString());
                    Equal(named.Access, decision.Access);
                    Equal(named.T, decision.T);
                    Equal(named.Until, decision.Until);
                    Equal(named.Ends, decision.Ends);
                    Equal(named.LeaseEnd, decision.LeaseEnd);
                    Equal(named.Stage, decision.Stage);
                    Equal(named.Flags, decision.Flags);
                    Equal(named.Clock, decision.Clock);
                    Equal(named.Ledger, decision.Ledger);
                }
                Equal(named.Access >= Access.Limited, core.Allowed);
                Equal(State.NotEntitled, none.Check().State);
                drill.Advance(TimeSpan.FromHours(11));
                client.Upkeep();
                if (hours == 22)
                {
                    client.Report(Outage.Network);
                }
            }
            Equal(State.Expired, core.Check().State);
        }
    }

    [Test]
    private static void A_feature_keeps_the_ledger_open_and_never_throws()
    {
        Client client = Memory();
        Feature feature = client.Feature("cad", "core");
        foreach (string odd in new[] { "", "a b", "\0", "\ud800", new string('x', 129) })
        {
            Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Feature("cad", odd));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => client.Feature(odd, "core"));
        }
        Throws<ArgumentNullException>(() => client.Feature("cad", null));
        Throws<ArgumentNullException>(() => client.Feature(null, "core"));
        client.Dispose();
        Equal(Access.Denied, feature.Check().Access);
        Throws<ObjectDisposedException>(() => client.Feature("cad", "core"));
        feature.Dispose();
        feature.Dispose();
        Decision decision = feature.Check();
        Equal(Access.Unknown, decision.Access);
        True(decision.T.Seconds > Start && decision.Stage == null && decision.Until == null, "no answer, at the system's time");
        True(!feature.Allowed, "not allowed");

        client = Memory();
        feature = client.Feature("cad", "core");
        client.Close();
        Equal(Access.Unknown, feature.Check().Access);
        Throws<ReprieveClosedException>(() => client.Upkeep());
        client.Dispose();
        feature.Dispose();
    }

    // Closing.

    private static void AfterClosing<E>(Client client) where E : Exception
    {
        Equal(Access.Unknown, client.Check("cad", "core").Access);
        True(client.Explain("cad", "core").Contains("open the ledger again"), client.Explain("cad", "core"));
        Throws<E>(() => client.Import("x"));
        Throws<E>(() => client.Report(Outage.Network));
        Throws<E>(() => client.Request());
        Throws<E>(() => client.Renew("x"));
        Throws<E>(() => client.NextEvent("ui"));
        Throws<E>(() => client.Acknowledge("ui", 0, 0));
        Throws<E>(() => client.Status("cad"));
        Throws<E>(() => client.Appeal(null, "text"));
        Throws<E>(() => client.Upkeep());
        Throws<E>(() => client.Head());
        Throws<E>(() => client.LedgerId());
    }

    [Test]
    private static void A_closed_client_says_so()
    {
        Client client = Memory();
        client.Close();
        client.Close();
        AfterClosing<ReprieveClosedException>(client);
        Equal("[]", client.Diagnostics());
        Equal(2, client.Endpoints().Count);
        client.Dispose();
        client.Dispose();
        AfterClosing<ObjectDisposedException>(client);
        Throws<ObjectDisposedException>(() => client.Close());
        Throws<ObjectDisposedException>(() => client.Clone());
        Throws<ObjectDisposedException>(() => client.Diagnostics());
        Throws<ObjectDisposedException>(() => client.Endpoints());
    }

    [Test]
    private static void Clones_share_one_ledger()
    {
        Client client = Memory();
        Client clone = client.Clone();
        Equal(client.LedgerId(), clone.LedgerId());
        client.Dispose();
        Equal(State.Unlicensed, clone.Check("cad", "core").State);
        clone.Close();
        clone.Dispose();
    }

    [Test]
    private static void A_disposed_drill_says_so()
    {
        Drill drill = Drill.FromScenario(Scenario);
        string folder = drill.Folder;
        True(Directory.Exists(folder), folder);
        Client client = drill.Client();
        drill.Dispose();
        drill.Dispose();
        True(!Directory.Exists(folder), "the temporary folder went with it");
        Equal(Access.Unknown, client.Check("cad", "core").Access);
        client.Dispose();
        Throws<ObjectDisposedException>(() => drill.Step(0));
        Throws<ObjectDisposedException>(() => drill.Client());
        Throws<ObjectDisposedException>(() => drill.OpenClient());
        Throws<ObjectDisposedException>(() => drill.Advance(TimeSpan.Zero));
        Throws<ObjectDisposedException>(() => drill.SetWall(TimeSpan.Zero));
        Throws<ObjectDisposedException>(() => drill.Issue(DocumentKind.Lease, "{}"));
        Throws<ObjectDisposedException>(() => { GC.KeepAlive(drill.StepCount); });
        Throws<ObjectDisposedException>(() => { GC.KeepAlive(drill.Now); });
        Throws<ObjectDisposedException>(() => { GC.KeepAlive(drill.Folder); });
    }

    // What a product does, in a drill.

    private static byte[] Lease(Drill drill, string more = "", string fault = null)
    {
        long exp = drill.Now.Seconds + 86400;
        return drill.Issue(DocumentKind.Lease,
            "{\"license\": \"L1\", \"sku\": \"cad\", \"features\": {\"core\": " + exp + ", \"render\": " + exp + "}" + more + "}", 1, fault);
    }

    [Test]
    private static void An_outage_from_lease_to_renewal()
    {
        using (Drill drill = Drill.FromScenario(Scenario))
        using (Client client = drill.Client())
        {
            Equal(new ReprieveTime(Start, 0), drill.Now);
            byte[] lease = Lease(drill);
            Answer answer = client.Import(lease);
            True(answer.Accepted && !answer.Known && !answer.Fresh, "accepted, by file");
            Equal(DocumentKind.Lease, answer.Kind);
            Equal(Refusal.None, answer.Error);
            Equal("L1", answer.License);
            Equal("", answer.Detail);
            Equal("lease: accepted", answer.ToString());
            True(client.Import(Encoding.UTF8.GetString(lease)).Known, "the same again");

            Decision decision = client.Check("cad", "core");
            Equal(Access.Full, decision.Access);
            Equal(State.Licensed, decision.State);
            Equal(LedgerFlags.Drill, decision.Flags);
            Equal("2026-01-02T00:00:00Z", decision.LeaseEnd.ToString());

            drill.Advance(TimeSpan.FromHours(25));
            client.Upkeep();
            True(client.Report(Outage.Network), "news");
            True(!client.Report(Outage.Network), "no news");
            decision = client.Check("cad", "core");
            Equal(Access.Full, decision.Access);
            Equal(State.Grace, decision.State);
            Equal(Reason.Network, decision.Reason);
            Equal(0, decision.Stage);
            Equal("2026-01-02T01:00:00Z", decision.T.ToString());
            Equal("2026-01-09T00:00:00Z", decision.Until.ToString());
            Equal("2026-01-16T00:00:00Z", decision.Ends.ToString());
            Equal("full (grace, network) until 2026-01-09T00:00:00Z", decision.ToString());
            drill.Advance(TimeSpan.FromDays(7));
            client.Upkeep();
            decision = client.Check("cad", "core");
            Equal(Access.Limited, decision.Access);
            Equal(1, decision.Stage);

            string why = client.Explain("cad", "core");
            foreach (string part in new[] { "\"license\":\"L1\"", "\"rule\":\"J1.7\"", "\"tier\":\"basic\"", "\"outage\":\"network\"", "\"trouble\":null" })
            {
                True(why.Contains(part), part + " in " + why);
            }

            RenewalRequest request = client.Request();
            string body = Encoding.UTF8.GetString(request.Body);
            True(body.Contains("\"nonce\":\"" + request.Nonce + "\"") && body.Contains(client.LedgerId()), body);
            string fresh = Encoding.UTF8.GetString(Lease(drill, ", \"nonce\": \"" + request.Nonce + "\""));
            IReadOnlyList<Answer> answers = client.Renew("{\"documents\": [\"" + fresh + "\", \"x\"]}");
            Equal(2, answers.Count);
            True(answers[0].Accepted && answers[0].Fresh, "fresh");
            True(!answers[1].Accepted, "no token");
            Equal(1, client.Renew(Encoding.UTF8.GetBytes(fresh)).Count);
            Equal(State.Licensed, client.Check("cad", "core").State);
        }
    }

    [Test]
    private static void The_example_of_the_documentation_holds()
    {
        using (Drill drill = Drill.FromScenario("{\"name\": \"a-day\", \"sku\": \"cad\", \"steps\": []}"))
        using (Client client = drill.Client())
        {
            client.Import(drill.Issue(DocumentKind.Lease, "{\"license\": \"L1\", \"sku\": \"cad\", \"features\": {\"core\": 1767312000}}"));
            drill.Advance(TimeSpan.FromHours(25));
            Equal(State.Expired, client.Check("cad", "core").State);
        }
    }

    [Test]
    private static void Documents_are_refused_with_their_reason()
    {
        using (Drill drill = Drill.FromScenario(Scenario))
        using (Client client = drill.Client())
        {
            foreach (Refusal refusal in new[] { Refusal.Malformed, Refusal.UnknownKey, Refusal.BadSignature, Refusal.WrongRole, Refusal.WrongLedger })
            {
                Answer answer = client.Import(Lease(drill, "", refusal.Word()));
                Equal(refusal, answer.Error);
                True(!answer.Accepted && answer.Detail.Length > 0, answer.Detail);
            }
            client.Import(Lease(drill));
            string extension = "{\"license\": \"L1\", \"until\": " + (Start + 3 * 86400) + "}";
            Equal(Refusal.Approvals, client.Import(drill.Issue(DocumentKind.Extension, extension)).Error);
            True(client.Import(drill.Issue(DocumentKind.Extension, extension, 2)).Accepted, "two people signed");
            Fails<ReprieveInputException>(ErrorCode.Argument, () => drill.Issue(DocumentKind.Extension, extension, -1));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => drill.Issue(DocumentKind.None, "{}"));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => drill.Issue(DocumentKind.Lease, "{}", 1, "no such fault"));
            Fails<ReprieveInputException>(ErrorCode.Claims, () => drill.Issue(DocumentKind.Lease, "no JSON"));
            Throws<ArgumentNullException>(() => drill.Issue(DocumentKind.Lease, null));
        }
    }

    [Test]
    private static void Status_shows_the_ledger_and_its_features()
    {
        using (Drill drill = Drill.FromScenario(Scenario))
        using (Client client = drill.Client())
        {
            client.Import(Lease(drill));
            LedgerStatus status = client.Status("cad");
            Equal(drill.Now, status.T);
            Equal(ClockStanding.Ok, status.Clock);
            Equal(LedgerStanding.Ok, status.Ledger);
            Equal(LedgerFlags.Drill, status.Flags);
            Equal(client.LedgerId(), status.LedgerId);
            Equal(Path.Combine(drill.Folder, "ledger"), status.Folder);
            Equal(0L, status.Generation);
            True(status.Records >= 2, status.Records.ToString());
            Equal("acme", status.Policy);
            Equal(1L, status.PolicyVersion);
            Equal(0L, status.Unproven);
            Equal("core render", string.Join(" ", status.Features.Select(feature => feature.Name)));
            True(status.Features.All(feature => feature.Decision.State == State.Licensed && feature.Decision.Allowed), "licensed");
            Equal("core: full (licensed) until 2026-01-02T00:00:00Z", status.Features[0].ToString());
            True(status.Json.Contains("\"ledger_id\":\"" + status.LedgerId + "\""), status.Json);
            Equal(0, client.Status("other").Features.Count);
            drill.SetWall(TimeSpan.FromDays(-3));
            Equal(ClockStanding.RolledBack, client.Status("cad").Clock);
        }
        using (Client client = Memory())
        {
            LedgerStatus status = client.Status("cad");
            True(status.Folder == null && status.Policy == null && status.PolicyVersion == null, "none of these");
            Equal(LedgerFlags.InMemory, status.Flags);
        }
    }

    [Test]
    private static void An_appeal_is_filed_and_told()
    {
        using (Drill drill = Drill.FromScenario(Scenario))
        using (Client client = drill.Client())
        {
            Equal(null, client.NextEvent("ui"));
            string packet = client.Appeal("L1", "My clock was wrong — \"sorry\". \ud83d\ude00");
            True(packet.Contains("\"license\": \"L1\"") && packet.Contains(client.LedgerId()), packet);
            client.Appeal(null, "again");
            Event e = client.NextEvent("ui");
            Equal(EventKind.AppealFiled, e.Kind);
            Equal("My clock was wrong — \"sorry\". \ud83d\ude00", e.Text);
            Equal("L1", e.License);
            Equal(drill.Now, e.At);
            True(e.Access == null && e.State == State.None && e.Reason == null && e.Left == null && e.Document == DocumentKind.None
                && e.Error == Refusal.None && e.Feature == null, "nothing else");
            Equal("2026-01-01T00:00:00Z appeal_filed L1", e.ToString());
            Equal(null, client.NextEvent("ui").License);
            Equal(null, client.NextEvent("ui"));
        }
    }

    [Test]
    private static void The_head_and_diagnostics_and_endpoints()
    {
        using (Client client = Memory())
        {
            True(client.Head().Contains("\n"), client.Head());
            True(client.Head().Contains("\u2014 "), "a signature line");
            True(client.Diagnostics().StartsWith("[", StringComparison.Ordinal), client.Diagnostics());
            Equal("https://one.example/renew https://two.example/renew", string.Join(" ", client.Endpoints()));
        }
    }

    [Test]
    private static void Events_come_again_until_they_are_acknowledged()
    {
        InFolder(folder =>
        {
            using (Drill drill = Drill.Create(Path.Combine(folder, "drill"), Policy))
            {
                long seen;
                using (Client client = drill.OpenClient())
                {
                    Equal(null, client.NextEvent("ui"));
                    client.Import(Lease(drill));
                    client.Import(Lease(drill, "", "bad_signature"));
                    Event first = client.NextEvent("ui"), second = client.NextEvent("ui");
                    Equal(EventKind.DocumentAccepted, first.Kind);
                    Equal(DocumentKind.Lease, first.Document);
                    Equal(EventKind.DocumentRefused, second.Kind);
                    Equal(Refusal.BadSignature, second.Error);
                    True(second.Record > first.Record && first.Index >= 0, "in the ledger's order");
                    Equal(null, client.NextEvent("ui"));
                    client.Acknowledge("ui", first);
                    seen = second.Record;
                }
                using (Client client = drill.OpenClient())
                {
                    Event again = client.NextEvent("ui");
                    Equal(seen, again.Record);
                    client.Acknowledge("ui", again.Record, again.Index);
                    Equal(null, client.NextEvent("another"));
                }
                using (Client client = drill.OpenClient())
                {
                    Equal(null, client.NextEvent("ui"));
                }
            }
        });
    }

    [Test]
    private static void A_drill_walks_its_scenario()
    {
        using (Drill drill = Drill.FromScenario(Scenario))
        {
            Equal("drill", Drill.Consumer);
            Equal(5, drill.StepCount);
            DrillTask task = drill.Step(0);
            Equal(TaskKind.Import, task.Kind);
            True(task.Token.Length > 100 && task.Outage == null && task.Sku == null && task.Feature == null, "a token alone");
            using (Client client = drill.Client())
            {
                True(client.Import(task.Token).Fresh, "it answers a request made just now");
            }
            task = drill.Step(1);
            True(task.Kind == TaskKind.Nothing && task.Token == null, "the world's part is all");
            task = drill.Step(2);
            Equal(TaskKind.Report, task.Kind);
            Equal(Outage.Network, task.Outage);
            task = drill.Step(3);
            Equal(TaskKind.Check, task.Kind);
            Equal("cad core", task.Sku + " " + task.Feature);
            Equal(TaskKind.Events, drill.Step(4).Kind);
            Fails<ReprieveInputException>(ErrorCode.Argument, () => drill.Step(5));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => drill.Step(-1));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => drill.Step(int.MaxValue));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => drill.Advance(TimeSpan.FromSeconds(-1)));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => drill.Advance(TimeSpan.FromMilliseconds(1500)));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => drill.SetWall(TimeSpan.FromTicks(1)));
        }
        Fails<ReprieveInputException>(ErrorCode.Scenario, () => Drill.FromScenario("{}"));
        Fails<ReprieveInputException>(ErrorCode.Scenario, () => Drill.FromScenario("no JSON"));
        Throws<ArgumentNullException>(() => Drill.FromScenario(null));
    }

    [Test]
    private static void A_drill_on_the_real_clock_stays_in_its_folder()
    {
        InFolder(folder =>
        {
            string place = Path.Combine(folder, "Übung \ud83d\ude00");
            Fails<LedgerException>(ErrorCode.Missing, () => Drill.Open(place));
            using (Drill drill = Drill.Create(place, Policy))
            using (Client client = drill.Client())
            {
                Equal(place, drill.Folder);
                Equal(0, drill.StepCount);
                client.Import(Lease(drill));
                Fails<LedgerException>(ErrorCode.Exists, () => Drill.Create(place));
                Fails<ReprieveException>(ErrorCode.Unsupported, () => drill.Advance(TimeSpan.FromHours(1)));
                Fails<ReprieveInputException>(ErrorCode.Argument, () => drill.Step(0));
                using (Drill other = Drill.Open(place))
                using (Client second = other.Client())
                {
                    Equal(client.LedgerId(), second.LedgerId());
                    Equal(State.Licensed, second.Check("cad", "core").State);
                    string notice = "{\"id\": \"n1\", \"start\": " + drill.Now.Seconds + ", \"end\": " + (drill.Now.Seconds + 3600) + "}";
                    True(second.Import(drill.Issue(DocumentKind.Notice, notice)).Accepted, "one authority for both");
                    other.SetWall(TimeSpan.FromDays(-5));
                }
                client.Upkeep();
                Equal(ClockStanding.RolledBack, client.Check("cad", "core").Clock);
            }
            using (Drill drill = Drill.Open(place))
            using (Client client = drill.Client())
            {
                Equal(State.Licensed, client.Check("cad", "core").State);
            }
            Fails<ReprieveInputException>(ErrorCode.Policy, () => Drill.Create(Path.Combine(folder, "b"), "no JSON"));
            Fails<ReprieveInputException>(ErrorCode.Scenario, () => Drill.Create(Path.Combine(folder, "c"), "{\"schema\": 1}"));
            Fails<ReprieveInputException>(ErrorCode.Argument, () => Drill.Create(""));
            Throws<ArgumentNullException>(() => Drill.Create(null));
            Throws<ArgumentNullException>(() => Drill.Open(null));
        });
    }

    [Test]
    private static void A_product_that_does_its_own_upkeep()
    {
        using (Drill drill = Drill.FromScenario(Scenario))
        using (Client owner = drill.Client())
        using (Client client = drill.OpenClient(new OpenOptions { Upkeep = Upkeep.Own }))
        {
            owner.Import(Lease(drill));
            Equal(State.Unlicensed, client.Check("cad", "core").State);
            client.Upkeep();
            Equal(State.Licensed, client.Check("cad", "core").State);
            drill.Advance(TimeSpan.FromHours(1));
            Equal(Access.Unknown, client.Check("cad", "core").Access);
            client.Upkeep();
            Equal(Access.Full, client.Check("cad", "core").Access);
        }
    }

    // Several at once.

    [Test]
    private static void A_busy_ledger_is_named_and_checks_do_not_wait()
    {
        if (!File.Exists("/usr/bin/flock"))
        {
            Console.WriteLine("not run: A_busy_ledger_is_named_and_checks_do_not_wait; there is no flock");
            return;
        }
        InFolder(folder =>
        {
            OpenOptions options = In(folder);
            options.LockTimeout = TimeSpan.FromMilliseconds(100);
            using (Client client = Client.OpenText(App, options))
            {
                string file = Directory.GetFiles(options.Folder, "*.lock").Single();
                var start = new ProcessStartInfo("/usr/bin/flock", "-x \"" + file + "\" sh -c \"echo held; cat\"")
                {
                    UseShellExecute = false,
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                };
                using (Process holder = Process.Start(start))
                {
                    Equal("held", holder.StandardOutput.ReadLine());
                    Fails<LedgerBusyException>(ErrorCode.Busy, () => client.Appeal(null, "hello"));
                    Stopwatch watch = Stopwatch.StartNew();
                    Equal(State.Unlicensed, client.Check("cad", "core").State);
                    True(watch.ElapsedMilliseconds < 80, "a check waited " + watch.ElapsedMilliseconds + " ms");
                    holder.StandardInput.Close();
                    holder.WaitForExit();
                }
                client.Appeal(null, "hello");
            }
        });
    }

    [Test]
    private static void Two_clients_in_one_process_give_the_same_answers()
    {
        InFolder(folder =>
        {
            using (Client one = Client.OpenText(App, In(folder)))
            using (Client two = Client.OpenText(App, In(folder)))
            using (Client other = Memory())
            {
                Equal(one.LedgerId(), two.LedgerId());
                True(one.LedgerId() != other.LedgerId(), "another ledger");
                Equal(null, two.NextEvent("ui"));
                one.Appeal(null, "hello");
                two.Upkeep();
                Equal("hello", two.NextEvent("ui").Text);
                True(one.Report(Outage.Server) && !two.Report(Outage.Server), "one ledger, one report");
                Equal(one.Status("cad").Records, two.Status("cad").Records);
            }
        });
    }

    private static void OnThreads(int count, Action<int> body)
    {
        var failures = new List<Exception>();
        Thread[] threads = Enumerable.Range(0, count).Select(number => new Thread(() =>
        {
            try
            {
                body(number);
            }
            catch (Exception error)
            {
                lock (failures)
                {
                    failures.Add(error);
                }
            }
        })).ToArray();
        foreach (Thread thread in threads)
        {
            thread.Start();
        }
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        if (failures.Count > 0)
        {
            throw new AggregateException(failures);
        }
    }

    [Test]
    private static void Eight_threads_use_one_client()
    {
        using (Drill drill = Drill.FromScenario(Scenario))
        using (Client client = drill.Client())
        {
            client.Import(Lease(drill));
            OnThreads(8, number =>
            {
                for (int at = 0; at < 3000; at++)
                {
                    string feature = at % 3 == 0 ? "core" : at % 3 == 1 ? "render" : "none-" + number;
                    Decision decision = client.Check("cad", feature);
                    Equal(at % 3 == 2 ? Access.Denied : Access.Full, decision.Access);
                    Equal(at % 3 != 2, decision.Allowed);
                    if (at % 500 == number)
                    {
                        client.Report(Outage.Network);
                        client.Status("cad");
                        client.NextEvent("thread-" + number);
                        client.Clone().Dispose();
                    }
                }
            });
        }
    }

    [Test]
    private static void Disposing_while_others_call_is_safe()
    {
        for (int round = 0; round < 20; round++)
        {
            Client client = Memory();
            Feature feature = client.Feature("cad", "core");
            int started = 0;
            OnThreads(8, number =>
            {
                Interlocked.Increment(ref started);
                if (number == 0)
                {
                    while (Volatile.Read(ref started) < 8)
                    {
                        Thread.Yield();
                    }
                    feature.Dispose();
                    client.Dispose();
                    return;
                }
                for (int at = 0; at < 300; at++)
                {
                    Access access = client.Check("cad", "core").Access;
                    True(access == Access.Denied || access == Access.Unknown, access.Word());
                    access = feature.Check().Access;
                    True(access == Access.Denied || access == Access.Unknown, access.Word());
                    try
                    {
                        client.LedgerId();
                    }
                    catch (ObjectDisposedException)
                    {
                    }
                }
            });
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(Drill drill)
    {
        Client client = drill.Client();
        Equal(Access.Full, client.Check("cad", "core").Access);
        GC.KeepAlive(client.NextEvent("gc"));
    }

    [Test]
    private static void Nothing_is_lost_or_left_under_the_collector()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = ReprieveLibrary.HandleCount;
        using (Drill drill = Drill.FromScenario(Scenario))
        {
            using (Client client = drill.Client())
            {
                client.Import(Lease(drill));
            }
            int done = 0;
            OnThreads(5, number =>
            {
                if (number == 4)
                {
                    while (Volatile.Read(ref done) < 4)
                    {
                        GC.Collect();
                        GC.WaitForPendingFinalizers();
                    }
                    return;
                }
                try
                {
                    for (int at = 0; at < 150; at++)
                    {
                        Forget(drill);
                        // The client is garbage as soon as its handle was read: the call must still end well.
                        Equal(Access.Full, drill.Client().Check("cad", "core").Access);
                        Equal(2, drill.Client().Status("cad").Features.Count);
                        True(drill.Client().Explain("cad", "core").Contains("\"J1.4\""), "explained");
                    }
                }
                finally
                {
                    Interlocked.Increment(ref done);
                }
            });
        }
        for (int at = 0; at < 50 && ReprieveLibrary.HandleCount > before; at++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(10);
        }
        // A conservative collector may take a number on a stack for a reference.
        True(ReprieveLibrary.HandleCount <= before + 4, (ReprieveLibrary.HandleCount - before) + " handles are left");
    }

    [Test]
    private static void What_is_disposed_leaves_no_handle()
    {
        long before = ReprieveLibrary.HandleCount;
        using (Drill drill = Drill.FromScenario(Scenario))
        using (Client client = drill.Client())
        {
            long during = ReprieveLibrary.HandleCount;
            Equal(before + 2, during);
            for (int at = 0; at < 5; at++)
            {
                client.Import(Lease(drill));
                client.Import("x");
                client.Check("cad", "core");
                client.Check("cad", "\0");
                using (Feature feature = client.Feature("cad", "core")) { feature.Check(); }
                Throws<ReprieveInputException>(() => client.Feature("cad", "\0"));
                client.Explain("cad", "\0");
                client.Explain("cad", "core");
                client.NextEvent("ui");
                client.NextEvent("other");
                client.Status("cad");
                client.Request();
                client.Renew("x");
                client.Appeal(null, "x");
                client.Head();
                client.Diagnostics();
                client.Endpoints();
                drill.OpenClient(new OpenOptions()).Dispose();
                drill.Step(3);
                Throws<ReprieveInputException>(() => client.NextEvent(""));
                Throws<ReprieveInputException>(() => drill.OpenClient(new OpenOptions { Upkeep = (Upkeep)9 }));
                Throws<ReprieveInputException>(() => Drill.FromScenario("{}"));
                Equal(during, ReprieveLibrary.HandleCount);
            }
        }
        Equal(before, ReprieveLibrary.HandleCount);
    }

    [Test]
    private static void A_check_allocates_nothing()
    {
        MethodInfo allocated = typeof(GC).GetMethod("GetAllocatedBytesForCurrentThread", BindingFlags.Public | BindingFlags.Static);
        using (Client client = Memory())
        {
            int checks = 0;
            for (; checks < 1000; checks++)
            {
                client.Check("cad", "core");
            }
            Func<long> read = allocated == null ? null : (Func<long>)Delegate.CreateDelegate(typeof(Func<long>), allocated);
            long before = read == null ? 0 : read();
            int collections = GC.CollectionCount(0);
            Stopwatch watch = Stopwatch.StartNew();
            for (checks = 0; checks < 200000; checks++)
            {
                client.Check("cad", "core");
            }
            watch.Stop();
            long used = read == null ? 0 : read() - before;
            Console.WriteLine("a check takes {0} ns", watch.ElapsedTicks * 1000000000L / Stopwatch.Frequency / checks);
            True(used < 1000, used + " bytes");
            True(GC.CollectionCount(0) - collections <= 1, "no collections");
            using (Feature feature = client.Feature("cad", "core"))
            {
                int allowed = 0;
                feature.Check();
                before = read == null ? 0 : read();
                collections = GC.CollectionCount(0);
                watch = Stopwatch.StartNew();
                for (checks = 0; checks < 200000; checks++)
                {
                    allowed += feature.Check().Allowed || feature.Allowed ? 1 : 0;
                }
                watch.Stop();
                used = read == null ? 0 : read() - before;
                Console.WriteLine("a feature's check takes {0} ns", watch.ElapsedTicks * 1000000000L / Stopwatch.Frequency / checks / 2);
                Equal(0, allowed);
                True(used < 1000, used + " bytes");
                True(GC.CollectionCount(0) - collections <= 1, "no collections");
            }
        }
    }

    // The runner's own.

    private static void True(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException("not so: " + what);
        }
    }

    private static void Equal<T>(T expected, T got, string what = null)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, got))
        {
            throw new InvalidOperationException((what == null ? "" : what + ": ") + "expected " + expected + ", got " + got);
        }
    }

    private static E Throws<E>(Action body) where E : Exception
    {
        try
        {
            body();
        }
        catch (E error)
        {
            return error;
        }
        throw new InvalidOperationException("expected " + typeof(E).Name + ", nothing was thrown");
    }

    private static void Fails<E>(ErrorCode code, Action body) where E : ReprieveException
    {
        E error = Throws<E>(body);
        Equal(code, error.Code, error.Message);
        True(error.Message.Length > 10, "a message: " + error.Message);
    }
}
