using System;
using System.Globalization;
using System.IO;
using System.Text;
using Reprieve;

/// <summary>
/// Walks scenario files as a product would, and prints the line of each answer from this package's own types (docs/semantics.md, Scenarios).
/// Several files are told apart by a line `# name`.
/// </summary>
internal static class Conformance
{
    private static int Main(string[] args)
    {
        if (args.Length == 0)
        {
            Console.Error.WriteLine("usage: Conformance.exe SCENARIO.json...");
            return 2;
        }
        var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { NewLine = "\n" };
        int failed = 0;
        foreach (string file in args)
        {
            if (args.Length > 1)
            {
                output.WriteLine("# " + Path.GetFileNameWithoutExtension(file));
            }
            try
            {
                Walk(File.ReadAllText(file), output);
            }
            catch (ReprieveException error)
            {
                output.Flush();
                Console.Error.WriteLine("{0}: {1} {2}: {3}", file, (int)error.Code, error.Code, error.Message);
                failed++;
            }
        }
        output.Flush();
        return failed == 0 ? 0 : 1;
    }

    private static void Walk(string scenario, TextWriter output)
    {
        using (Drill drill = Drill.FromScenario(scenario))
        {
            for (int step = 0; step < drill.StepCount; step++)
            {
                DrillTask task = drill.Step(step);
                // A step may close one client and open another.
                using (Client client = drill.Client())
                {
                    switch (task.Kind)
                    {
                        case TaskKind.Import:
                            output.WriteLine(Line(step, client.Import(task.Token)));
                            break;
                        case TaskKind.Check:
                            string named = Line(step, task, client.Check(task.Sku, task.Feature));
                            using (Feature feature = client.Feature(task.Sku, task.Feature))
                            {
                                if (Line(step, task, feature.Check()) != named)
                                {
                                    throw new ReprieveException(ErrorCode.Internal, "a feature answers otherwise than its name");
                                }
                            }
                            output.WriteLine(named);
                            break;
                        case TaskKind.Report:
                            client.Report(task.Outage.Value);
                            break;
                        case TaskKind.Events:
                            client.Upkeep();
                            Event e;
                            while ((e = client.NextEvent(Drill.Consumer)) != null)
                            {
                                output.WriteLine(Line(step, e));
                                client.Acknowledge(Drill.Consumer, e);
                            }
                            break;
                    }
                }
            }
        }
    }

    private static string Line(int step, DrillTask task, Decision decision)
    {
        return new Json(step)
            .Add("t", decision.T.ToString())
            .Add("sku", task.Sku)
            .Add("feature", task.Feature)
            .Add("access", decision.Access.Word())
            .Add("state", decision.State == State.None ? null : decision.State.Word())
            .Add("reason", decision.Reason == Reason.None ? null : decision.Reason.Word())
            .Add("until", decision.Until == null ? null : decision.Until.ToString())
            .Add("ends", decision.Ends == null ? null : decision.Ends.ToString())
            .Add("clock", decision.Clock.Word())
            .Add("ledger", decision.Ledger.Word())
            .ToString();
    }

    private static string Line(int step, Answer answer)
    {
        return new Json(step)
            .Add("document", answer.Kind == DocumentKind.None ? null : answer.Kind.Word())
            .AddRaw("accepted", answer.Accepted ? "true" : "false")
            .Add("error", answer.Error == Refusal.None ? null : answer.Error.Word())
            .ToString();
    }

    private static string Line(int step, Event e)
    {
        return new Json(step)
            .Add("event", e.Kind.Word())
            .Add("at", e.At.ToString())
            .Add("license", e.License)
            .Add("feature", e.Feature)
            .Add("access", e.Access == null ? null : e.Access.Value.Word())
            .Add("state", e.State == State.None ? null : e.State.Word())
            .Add("reason", e.Reason)
            .AddRaw("left", e.Left == null ? "null" : ((long)e.Left.Value.TotalSeconds).ToString(CultureInfo.InvariantCulture))
            .Add("document", e.Document == DocumentKind.None ? null : e.Document.Word())
            .Add("error", e.Error == Refusal.None ? null : e.Error.Word())
            .ToString();
    }

    /// <summary>One line of JSON: keys in the order of the calls, no blanks, nulls written out.</summary>
    private sealed class Json
    {
        private readonly StringBuilder line;

        internal Json(int step)
        {
            line = new StringBuilder("{\"step\":").Append(step.ToString(CultureInfo.InvariantCulture));
        }

        internal Json AddRaw(string key, string value)
        {
            line.Append(",\"").Append(key).Append("\":").Append(value);
            return this;
        }

        internal Json Add(string key, string value)
        {
            if (value == null)
            {
                return AddRaw(key, "null");
            }
            var text = new StringBuilder("\"");
            foreach (char c in value)
            {
                if (c == '"' || c == '\\')
                {
                    text.Append('\\').Append(c);
                }
                else if (c < ' ')
                {
                    text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                }
                else
                {
                    text.Append(c);
                }
            }
            return AddRaw(key, text.Append('"').ToString());
        }

        public override string ToString()
        {
            return line + "}";
        }
    }
}
