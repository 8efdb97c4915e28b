// What stands behind the stubs: a loop that calls the messages of MonoBehaviours in Unity's documented order
// (https://docs.unity3d.com/2021.3/Documentation/Manual/ExecutionOrder.html) and enters and leaves play mode
// (https://docs.unity3d.com/2021.3/Documentation/Manual/ConfigurableEnterPlayModeDetails.html). No Unity.
using System;
using System.Collections.Generic;
using System.Reflection;
using System.Threading;

namespace UnityEngine
{
    public static class Engine
    {
        private static readonly List<GameObject> objects = new List<GameObject>();
        private static readonly HashSet<Component> awake = new HashSet<Component>(), started = new HashSet<Component>(), on = new HashSet<Component>();
        private static readonly HashSet<Object> kept = new HashSet<Object>();
        private static readonly List<Action> later = new List<Action>();
        private static readonly System.Diagnostics.Stopwatch clock = System.Diagnostics.Stopwatch.StartNew();
        private static readonly int main = Thread.CurrentThread.ManagedThreadId;
        public static readonly List<string> Log = new List<string>();
        public static readonly List<string> Drawn = new List<string>();
        public static string StreamingAssets = "", Persistent = "", ResourcesFolder = "", Pressed;
        public static bool Mobile, Quits, Playing;
        public static NetworkReachability Reachability = NetworkReachability.ReachableViaLocalAreaNetwork;
        // As the player's settings have it since Unity 2022.1, unless told otherwise; in 2021.3 it is allowed.
        public static bool PlainHttpForbidden;
        public static float Delta = 1f / 60;
        public static Action quitting;

        public static float Seconds { get { return (float)clock.Elapsed.TotalSeconds; } }

        public static void Logged(string kind, object message)
        {
            lock (Log) { Log.Add(kind + ": " + message); }
        }

        public static bool Press(string button)
        {
            bool pressed = Pressed == button;
            if (pressed) { Pressed = null; }
            return pressed;
        }

        // What Unity lets nobody do but its main thread.
        internal static void OnMain(string what)
        {
            if (Thread.CurrentThread.ManagedThreadId != main) { throw new InvalidOperationException(what + " can only be called from the main thread"); }
        }

        public static void NextFrame(Action action) { later.Add(action); }

        internal static void Add(GameObject thing) { objects.Add(thing); }

        internal static void Keep(Object thing) { kept.Add(thing); }

        internal static ScriptableObject Create(Type type)
        {
            var made = (ScriptableObject)Activator.CreateInstance(type);
            Send(made, "OnEnable");
            return made;
        }

        public static void Close(ScriptableObject window) { Send(window, "OnDisable"); window.destroyed = true; }

        internal static Component AddComponent(GameObject thing, Type type)
        {
            var made = (Component)Activator.CreateInstance(type, true);
            made.gameObject = thing;
            thing.components.Add(made);
            if (Playing) { Wake(made); }
            return made;
        }

        private static void Wake(Component component)
        {
            if (!component.gameObject.active) { return; }
            if (awake.Add(component)) { Send(component, "Awake"); }
            var behaviour = component as Behaviour;
            if (behaviour != null && behaviour.on && on.Add(component)) { Send(component, "OnEnable"); }
        }

        private static void Sleep(Component component)
        {
            if (on.Remove(component)) { Send(component, "OnDisable"); }
        }

        internal static void Enable(Behaviour behaviour, bool value)
        {
            behaviour.on = value;
            if (!Playing) { return; }
            if (value) { Wake(behaviour); } else { Sleep(behaviour); }
        }

        internal static void SetActive(GameObject thing, bool value)
        {
            thing.active = value;
            if (!Playing) { return; }
            foreach (Component component in thing.components.ToArray())
            {
                if (value) { Wake(component); } else { Sleep(component); }
            }
        }

        public static void Destroy(Object thing)
        {
            var whole = thing as GameObject;
            foreach (Component component in ReferenceEquals(whole, null) ? new List<Component> { (Component)thing } : whole.components)
            {
                Sleep(component);
                if (awake.Remove(component)) { Send(component, "OnDestroy"); }
                component.destroyed = true;
            }
            thing.destroyed = true;
            if (!ReferenceEquals(whole, null)) { objects.Remove(whole); }
        }

        // A message is found by its name, private or inherited, as Unity does; what it throws is logged, and the loop goes on.
        public static void Send(object target, string message, params object[] arguments)
        {
            if (Thread.CurrentThread.ManagedThreadId != main) { throw new InvalidOperationException("Unity's main thread alone may do this"); }
            for (Type type = target.GetType(); type != null; type = type.BaseType)
            {
                MethodInfo method = type.GetMethod(message, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly);
                if (method == null) { continue; }
                try { method.Invoke(target, arguments); }
                catch (TargetInvocationException error) { Logged("exception", error.InnerException); }
                return;
            }
        }

        private static void Each(Assembly[] scripts, RuntimeInitializeLoadType when)
        {
            foreach (Assembly assembly in scripts)
            {
                foreach (Type type in assembly.GetTypes())
                {
                    foreach (MethodInfo method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
                    {
                        var mark = (RuntimeInitializeOnLoadMethodAttribute)Attribute.GetCustomAttribute(method, typeof(RuntimeInitializeOnLoadMethodAttribute));
                        if (mark != null && mark.loadType == when) { method.Invoke(null, null); }
                    }
                }
            }
        }

        public static void EnterPlay(Assembly[] scripts, params Action[] scenes)
        {
            Each(scripts, RuntimeInitializeLoadType.SubsystemRegistration);
            Each(scripts, RuntimeInitializeLoadType.BeforeSceneLoad);
            foreach (Action scene in scenes) { Load(scene); }
            Each(scripts, RuntimeInitializeLoadType.AfterSceneLoad);
        }

        // The objects of a scene are made first, then they awake: each its Awake and OnEnable.
        public static void Load(Action scene)
        {
            Playing = false;
            int from = objects.Count;
            scene();
            Playing = true;
            foreach (GameObject thing in objects.GetRange(from, objects.Count - from))
            {
                foreach (Component component in thing.components.ToArray()) { Wake(component); }
            }
        }

        public static void UnloadScenes()
        {
            foreach (GameObject thing in objects.ToArray())
            {
                if (!kept.Contains(thing)) { Destroy(thing); }
            }
        }

        public static void Frame()
        {
            foreach (Action action in later.ToArray()) { later.Remove(action); action(); }
            Component[] now = new Component[on.Count];
            on.CopyTo(now);
            foreach (Component component in now)
            {
                if (started.Add(component)) { Send(component, "Start"); }
            }
            foreach (Component component in now)
            {
                if (on.Contains(component)) { Send(component, "Update"); }
            }
        }

        public static void Gui(Event e)
        {
            Event.current = e;
            Component[] now = new Component[on.Count];
            on.CopyTo(now);
            foreach (Component component in now) { Send(component, "OnGUI"); }
        }

        // Scripts are reloaded in the middle of a play: OnDisable, and after it OnEnable, on objects made anew.
        public static void DisableAll()
        {
            foreach (GameObject thing in objects)
            {
                foreach (Component component in thing.components) { Sleep(component); }
            }
        }

        public static void EnableAll()
        {
            foreach (GameObject thing in objects)
            {
                foreach (Component component in thing.components) { Wake(component); }
            }
        }

        public static void LeavePlay()
        {
            foreach (GameObject thing in objects.ToArray())
            {
                foreach (Component component in thing.components.ToArray())
                {
                    if (awake.Contains(component)) { Send(component, "OnApplicationQuit"); }
                }
            }
            if (quitting != null) { quitting(); }
            foreach (GameObject thing in objects.ToArray()) { Destroy(thing); }
            Playing = false;
            started.Clear();
            kept.Clear();
            later.Clear();
        }
    }
}
