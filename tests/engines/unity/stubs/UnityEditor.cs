// The part of UnityEditor's API that the package uses, as documented for Unity 2021.3; see UnityEngine.cs.
using System;
using UnityEngine;

namespace UnityEditor
{
    // InitializeOnLoadAttribute.html
    [AttributeUsage(AttributeTargets.Class)]
    public class InitializeOnLoadAttribute : Attribute { }

    // MenuItem.html
    [AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
    public sealed class MenuItem : Attribute { public MenuItem(string itemName) { } }

    // PlayModeStateChange.html
    public enum PlayModeStateChange { EnteredEditMode, ExitingEditMode, EnteredPlayMode, ExitingPlayMode }

    // AssemblyReloadEvents.html
    public static class AssemblyReloadEvents
    {
        // AssemblyReloadEvents.AssemblyReloadCallback.html
        public delegate void AssemblyReloadCallback();
        public static event AssemblyReloadCallback beforeAssemblyReload;
        public static event AssemblyReloadCallback afterAssemblyReload;
        public static void Before() { if (beforeAssemblyReload != null) { beforeAssemblyReload(); } }
        public static void After() { if (afterAssemblyReload != null) { afterAssemblyReload(); } }
    }

    // EditorApplication.html
    public sealed class EditorApplication
    {
        // EditorApplication.CallbackFunction.html
        public delegate void CallbackFunction();
        public static CallbackFunction update;
        public static event Action quitting;
        public static event Action<PlayModeStateChange> playModeStateChanged;
        public static double timeSinceStartup { get { return Engine.Seconds; } }
        public static void Quit() { if (quitting != null) { quitting(); } }
        public static void Tell(PlayModeStateChange change) { if (playModeStateChanged != null) { playModeStateChanged(change); } }
    }

    // EditorWindow.html
    public class EditorWindow : ScriptableObject
    {
        public static T GetWindow<T>(string title) where T : EditorWindow { return CreateInstance<T>(); }
        public void Repaint() { }
    }

    // MessageType.html
    public enum MessageType { None, Info, Warning, Error }

    // EditorStyles.html
    public sealed class EditorStyles { public static GUIStyle boldLabel { get { return new GUIStyle(); } } }

    // EditorGUILayout.html
    public sealed class EditorGUILayout
    {
        public static void LabelField(string label, params GUILayoutOption[] options) { Engine.Drawn.Add(label); }
        public static void LabelField(string label, GUIStyle style, params GUILayoutOption[] options) { Engine.Drawn.Add(label); }
        public static string TextField(string label, string text, params GUILayoutOption[] options) { return text; }
        public static UnityEngine.Object ObjectField(string label, UnityEngine.Object obj, Type objType, bool allowSceneObjects, params GUILayoutOption[] options) { return obj; }
        public static void HelpBox(string message, MessageType type) { Engine.Drawn.Add(message); }
        public static Vector2 BeginScrollView(Vector2 scrollPosition, params GUILayoutOption[] options) { return scrollPosition; }
        public static void EndScrollView() { }
    }
}
