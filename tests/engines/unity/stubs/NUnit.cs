// The part of NUnit that the package's tests use (https://docs.nunit.org/articles/nunit/intro.html): Unity brings NUnit 3.
using System;

namespace NUnit.Framework
{
    [AttributeUsage(AttributeTargets.Method)]
    public class TestAttribute : Attribute { }

    [AttributeUsage(AttributeTargets.Class)]
    public class TestFixtureAttribute : Attribute { }

    public class AssertionException : Exception { public AssertionException(string message) : base(message) { } }

    public static class Assert
    {
        public static void AreEqual(object expected, object actual)
        {
            if (!Equals(expected, actual)) { throw new AssertionException("expected " + (expected ?? "null") + ", but was " + (actual ?? "null")); }
        }

        public static void IsTrue(bool condition) { if (!condition) { throw new AssertionException("expected true"); } }

        public static void IsFalse(bool condition) { if (condition) { throw new AssertionException("expected false"); } }

        public static void IsNull(object anObject) { AreEqual(null, anObject); }
    }
}
