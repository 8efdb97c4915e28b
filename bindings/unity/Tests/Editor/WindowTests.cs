using System;
using System.Threading;
using NUnit.Framework;
using Reprieve.Unity.Editor;
using UnityEditor;
using UnityEngine;

namespace Reprieve.Unity.Tests
{
    [TestFixture]
    public class WindowTests
    {
        [Test]
        public void ADrillIsPlayedInTheWindow()
        {
            var window = ScriptableObject.CreateInstance<ReprieveWindow>();
            window.Play("{\"sku\": \"cad\", \"steps\": [{\"lease\": {\"license\": \"L1\", \"sku\": \"cad\", \"features\": [\"core\"], \"ttl\": \"24h\"}},"
                + " {\"advance\": \"1h\"}]}", "cad");
            Assert.IsNull(window.Trouble);
            Assert.IsTrue(window.Playing);
            Assert.AreEqual("core: full (licensed) until 2026-01-02T00:00:00Z, runway 1 d 0 h", window.Lines[1]);
            DateTime until = DateTime.UtcNow.AddSeconds(10);
            while (window.Playing && DateTime.UtcNow < until)
            {
                EditorApplication.update();
                Thread.Sleep(10);
            }
            Assert.IsFalse(window.Playing);
            Assert.AreEqual("core: full (licensed) until 2026-01-02T00:00:00Z, runway 23 h 0 min", window.Lines[1]);
        }

        [Test]
        public void AFileThatIsNotThereIsToldAndNothingIsMade()
        {
            var window = ScriptableObject.CreateInstance<ReprieveWindow>();
            window.Look("no such folder/reprieve.toml", "cad");
            Assert.IsTrue(window.Trouble.Contains("no such folder"));
        }
    }
}
