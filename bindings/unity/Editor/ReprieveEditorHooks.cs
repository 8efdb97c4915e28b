using UnityEditor;

namespace Reprieve.Unity.Editor
{
    /// <summary>Closes what is open before the Editor takes the scripts away. The native library stays loaded until the Editor ends; what must
    /// not stay is a ledger that is held by objects nobody knows any more, and a thread in its midst.</summary>
    [InitializeOnLoad]
    public static class ReprieveEditorHooks
    {
        static ReprieveEditorHooks()
        {
            AssemblyReloadEvents.beforeAssemblyReload += ReprieveSession.CloseAll;
            EditorApplication.quitting += ReprieveSession.CloseAll;
            EditorApplication.playModeStateChanged += OnPlayMode;
        }

        // After a play every component has closed its own; what a script opened and forgot is closed here.
        private static void OnPlayMode(PlayModeStateChange change)
        {
            if (change == PlayModeStateChange.EnteredEditMode)
            {
                ReprieveSession.CloseAll();
            }
        }
    }
}
