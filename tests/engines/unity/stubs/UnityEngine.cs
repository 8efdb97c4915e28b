// The part of Unity's API that the package uses, as documented for Unity 2021.3: no more, and with exactly those signatures, so that what compiles
// here names nothing that Unity has not. Behind them is no engine but the little loop of Engine.cs. The address of each page stands above each type:
// https://docs.unity3d.com/2021.3/Documentation/ScriptReference/ followed by the name given here.
using System;
using System.Collections.Generic;
using System.IO;

namespace UnityEngine
{
    // RuntimeInitializeLoadType.html
    public enum RuntimeInitializeLoadType { AfterSceneLoad, BeforeSceneLoad, AfterAssembliesLoaded, BeforeSplashScreen, SubsystemRegistration }

    // Scripting.PreserveAttribute.html (the base of the next, as documented)
    namespace Scripting
    {
        [AttributeUsage(AttributeTargets.All, Inherited = false)]
        public class PreserveAttribute : Attribute { }
    }

    // RuntimeInitializeOnLoadMethodAttribute.html
    [AttributeUsage(AttributeTargets.Method, AllowMultiple = false)]
    public class RuntimeInitializeOnLoadMethodAttribute : Scripting.PreserveAttribute
    {
        public RuntimeInitializeOnLoadMethodAttribute() { loadType = RuntimeInitializeLoadType.AfterSceneLoad; }
        public RuntimeInitializeOnLoadMethodAttribute(RuntimeInitializeLoadType loadType) { this.loadType = loadType; }
        public RuntimeInitializeLoadType loadType { get; private set; }
    }

    // SerializeField.html
    [AttributeUsage(AttributeTargets.Field)]
    public sealed class SerializeField : Attribute { }

    // TooltipAttribute.html
    [AttributeUsage(AttributeTargets.Field, Inherited = true, AllowMultiple = false)]
    public class TooltipAttribute : PropertyAttribute { public readonly string tooltip; public TooltipAttribute(string tooltip) { this.tooltip = tooltip; } }

    // PropertyAttribute.html
    [AttributeUsage(AttributeTargets.Field, Inherited = true, AllowMultiple = false)]
    public abstract class PropertyAttribute : Attribute { }

    // RangeAttribute.html
    [AttributeUsage(AttributeTargets.Field, Inherited = true, AllowMultiple = false)]
    public sealed class RangeAttribute : PropertyAttribute
    {
        public readonly float min, max;
        public RangeAttribute(float min, float max) { this.min = min; this.max = max; }
    }

    // AddComponentMenu.html
    public sealed class AddComponentMenu : Attribute { public AddComponentMenu(string menuName) { } }

    // DisallowMultipleComponent.html
    [AttributeUsage(AttributeTargets.Class, Inherited = false)]
    public sealed class DisallowMultipleComponent : Attribute { }

    // DefaultExecutionOrder.html
    [AttributeUsage(AttributeTargets.Class)]
    public class DefaultExecutionOrder : Attribute { public DefaultExecutionOrder(int order) { this.order = order; } public int order { get; private set; } }

    // Object.html. Unity's null check asks whether the native object lives.
    public class Object
    {
        internal bool destroyed;
        public string name { get; set; }
        public static void DontDestroyOnLoad(Object target) { Engine.Keep(target); }
        public static void Destroy(Object obj) { Engine.Destroy(obj); }
        public static bool operator ==(Object x, Object y) { return Same(x, y); }
        public static bool operator !=(Object x, Object y) { return !Same(x, y); }
        private static bool Same(Object x, Object y) { return ReferenceEquals(x, y) || (Gone(x) && Gone(y)); }
        private static bool Gone(Object x) { return ReferenceEquals(x, null) || x.destroyed; }
        public override bool Equals(object other) { return ReferenceEquals(this, other); }
        public override int GetHashCode() { return base.GetHashCode(); }
    }

    // Component.html
    public class Component : Object
    {
        public GameObject gameObject { get; internal set; }
        public Transform transform { get { return gameObject.transform; } }
        public T GetComponent<T>() { return gameObject.GetComponent<T>(); }
    }

    // Transform.html
    public class Transform : Component
    {
        public Vector3 position { get; set; }
        public Transform parent { get; set; }
        public void SetParent(Transform parent, bool worldPositionStays) { this.parent = parent; }
    }

    // Behaviour.html
    public class Behaviour : Component
    {
        internal bool on = true;
        public bool enabled { get { return on; } set { Engine.Enable(this, value); } }
    }

    // MonoBehaviour.html
    public class MonoBehaviour : Behaviour { }

    // GameObject.html
    public sealed class GameObject : Object
    {
        internal readonly List<Component> components = new List<Component>();
        public GameObject() : this("New Game Object") { }
        public GameObject(string name) { this.name = name; transform = AddComponent<Transform>(); Engine.Add(this); }
        public Transform transform { get; private set; }
        internal bool active = true;
        public bool activeSelf { get { return active; } }
        public void SetActive(bool value) { Engine.SetActive(this, value); }
        public T AddComponent<T>() where T : Component { return (T)Engine.AddComponent(this, typeof(T)); }
        public T GetComponent<T>()
        {
            foreach (Component component in components)
            {
                if (component is T) { return (T)(object)component; }
            }
            return default(T);
        }
    }

    // ScriptableObject.html
    public class ScriptableObject : Object
    {
        public static T CreateInstance<T>() where T : ScriptableObject { return (T)Engine.Create(typeof(T)); }
    }

    // TextAsset.html
    public class TextAsset : Object
    {
        private readonly string content;
        public TextAsset() : this("") { }
        public TextAsset(string text) { content = text; }
        public string text { get { return content; } }
    }

    // Resources.html
    public sealed class Resources
    {
        public static T Load<T>(string path) where T : Object
        {
            foreach (string file in Directory.GetFiles(Engine.ResourcesFolder, path + ".*"))
            {
                return (T)(Object)new TextAsset(File.ReadAllText(file));
            }
            return null;
        }
    }

    // Debug.html
    public class Debug
    {
        public static void Log(object message) { Engine.Logged("log", message); }
        public static void LogError(object message) { Engine.Logged("error", message); }
        public static void LogError(object message, Object context) { Engine.Logged("error", message); }
        public static void LogException(Exception exception) { Engine.Logged("exception", exception); }
        public static void LogException(Exception exception, Object context) { Engine.Logged("exception", exception); }
    }

    // Application.html
    public class Application
    {
        public static event Action quitting { add { Engine.quitting += value; } remove { Engine.quitting -= value; } }
        public static string streamingAssetsPath { get { return Engine.StreamingAssets; } }
        public static string persistentDataPath { get { return Engine.Persistent; } }
        public static bool isMobilePlatform { get { return Engine.Mobile; } }
        public static NetworkReachability internetReachability { get { Engine.OnMain("internetReachability"); return Engine.Reachability; } }
        public static void Quit() { Engine.Quits = true; }
    }

    // NetworkReachability.html
    public enum NetworkReachability { NotReachable, ReachableViaCarrierDataNetwork, ReachableViaLocalAreaNetwork }

    // Time.html
    public class Time
    {
        public static float realtimeSinceStartup { get { return Engine.Seconds; } }
        public static float unscaledDeltaTime { get { return Engine.Delta; } }
    }

    // Mathf.html
    public struct Mathf
    {
        public const float PI = 3.14159274f;
        public static float Max(float a, float b) { return a > b ? a : b; }
        public static float Min(float a, float b) { return a < b ? a : b; }
        public static float Sin(float f) { return (float)Math.Sin(f); }
        public static float Cos(float f) { return (float)Math.Cos(f); }
        public static float MoveTowards(float current, float target, float maxDelta)
        {
            return Math.Abs(target - current) <= maxDelta ? target : current + Math.Sign(target - current) * maxDelta;
        }
    }

    // Vector2.html
    public struct Vector2 { public float x, y; public Vector2(float x, float y) { this.x = x; this.y = y; } }

    // Vector3.html
    public struct Vector3 { public float x, y, z; public Vector3(float x, float y, float z) { this.x = x; this.y = y; this.z = z; } }

    // Rect.html
    public struct Rect { public Rect(float x, float y, float width, float height) { } }

    // Matrix4x4.html
    public struct Matrix4x4 { public static Matrix4x4 Scale(Vector3 vector) { return new Matrix4x4(); } }

    // Color.html
    public struct Color
    {
        public float r, g, b, a;
        public Color(float r, float g, float b, float a) { this.r = r; this.g = g; this.b = b; this.a = a; }
        public static Color white { get { return new Color(1f, 1f, 1f, 1f); } }
    }

    // ColorUtility.html
    public class ColorUtility
    {
        public static bool TryParseHtmlString(string htmlString, out Color color)
        {
            color = Color.white;
            if (htmlString.Length != 7 || htmlString[0] != '#') { return false; }
            int number = Convert.ToInt32(htmlString.Substring(1), 16);
            color = new Color((number >> 16) / 255f, (number >> 8 & 255) / 255f, (number & 255) / 255f, 1f);
            return true;
        }
    }

    // CameraClearFlags.html
    public enum CameraClearFlags { Skybox = 1, SolidColor = 2, Depth = 3, Nothing = 4 }

    // Camera.html
    public sealed class Camera : Behaviour
    {
        public bool orthographic { get; set; }
        public float orthographicSize { get; set; }
        public CameraClearFlags clearFlags { get; set; }
        public Color backgroundColor { get; set; }
    }

    // Mesh.html
    public sealed class Mesh : Object { public Vector3[] vertices { get; set; } public Color[] colors { get; set; } public int[] triangles { get; set; } }

    // MeshFilter.html
    public sealed class MeshFilter : Component { public Mesh mesh { get; set; } }

    // Renderer.html
    public class Renderer : Component { public Material sharedMaterial { get; set; } }

    // MeshRenderer.html
    public sealed class MeshRenderer : Renderer { }

    // Shader.html
    public sealed class Shader : Object { public static Shader Find(string name) { return new Shader(); } }

    // Material.html
    public class Material : Object { public Material(Shader shader) { } public Color color { get; set; } }

    // Texture.html
    public class Texture : Object { }

    // Texture2D.html
    public sealed class Texture2D : Texture { public static Texture2D whiteTexture { get { return new Texture2D(); } } }

    // Screen.html
    public sealed class Screen { public static int width { get { return 1280; } } public static int height { get { return 720; } } }

    // KeyCode.html
    public enum KeyCode { None = 0, Escape = 27, D = 100, R = 114 }

    // EventType.html
    public enum EventType { MouseDown = 0, MouseUp = 1, MouseMove = 2, MouseDrag = 3, KeyDown = 4, KeyUp = 5, Repaint = 7, Layout = 8 }

    // Event.html
    public sealed class Event
    {
        public static Event current { get; set; }
        public EventType type { get; set; }
        public KeyCode keyCode { get; set; }
    }

    // GUIStyleState.html
    public sealed class GUIStyleState { public Color textColor { get; set; } }

    // GUIStyle.html
    public sealed class GUIStyle
    {
        private readonly GUIStyleState state = new GUIStyleState();
        public int fontSize { get; set; }
        public GUIStyleState normal { get { return state; } set { } }
    }

    // GUI.html
    public class GUI
    {
        public static Matrix4x4 matrix { get; set; }
        public static Color color { get; set; }
        public static void DrawTexture(Rect position, Texture image) { }
        public static void Label(Rect position, string text, GUIStyle style) { Engine.Drawn.Add(text); }
    }

    // GUILayoutOption.html
    public sealed class GUILayoutOption { }

    // GUILayout.html
    public class GUILayout
    {
        public static bool Button(string text, params GUILayoutOption[] options) { return Engine.Press(text); }
    }
}

namespace UnityEngine.Events
{
    // Events.UnityAction.html
    public delegate void UnityAction();
    // Events.UnityAction_1.html
    public delegate void UnityAction<T0>(T0 arg0);

    // Events.UnityEventBase.html
    [Serializable]
    public abstract class UnityEventBase
    {
        // What the Inspector bound.
        public int persistent;
        public int GetPersistentEventCount() { return persistent; }
    }

    // Events.UnityEvent_1.html
    [Serializable]
    public class UnityEvent<T0> : UnityEventBase
    {
        private UnityAction<T0> calls;
        public void AddListener(UnityAction<T0> call) { calls += call; }
        public void RemoveListener(UnityAction<T0> call) { calls -= call; }
        public void Invoke(T0 arg0) { if (calls != null) { calls(arg0); } }
    }
}
