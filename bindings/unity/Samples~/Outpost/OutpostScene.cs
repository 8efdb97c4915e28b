using System;
using System.IO;
using UnityEngine;

namespace Reprieve.Samples.Outpost
{
    /// <summary>
    /// The sample's scene: put this component on an empty object in an empty scene and press play; it makes the camera and all else. `-record FILE` on
    /// the command line plays the drill without a picture, writes what the banner said, and quits.
    /// </summary>
    [AddComponentMenu("Reprieve/Samples/Outpost")]
    public sealed class OutpostScene : MonoBehaviour
    {
        private const float Width = 640f, Height = 360f, FadePerSecond = 2f;
        private const int StepsPerSecond = 12;

        private OutpostGame game;
        private Material boatHull, boatMast, boatSail, lanternPaint, cloudPaint;
        private readonly float[] alphas = { 1f, 1f, 1f };
        private Transform boat;
        private readonly Transform[] lanterns = new Transform[7];
        private readonly Transform[] clouds = new Transform[3];
        private float began;
        private GUIStyle plain;
        private Texture2D white;

        private void Start()
        {
            string scenario = Resources.Load<TextAsset>("outpost").text, words = Resources.Load<TextAsset>("outpost-words").text;
            string[] arguments = Environment.GetCommandLineArgs();
            int at = Array.IndexOf(arguments, "-record");
            if (at >= 0 && at + 1 < arguments.Length)
            {
                OutpostGame.Record(scenario, words, Path.GetFullPath(arguments[at + 1]));
                Application.Quit();
                enabled = false;
                return;
            }
            game = new OutpostGame(scenario, words);
            if (game.Trouble != null)
            {
                // The library is missing or of another version: the scene stays, as what cannot be checked.
                Debug.LogError("Reprieve: " + game.Trouble);
            }
            else
            {
                game.Start(StepsPerSecond);
            }
            for (int feature = 0; feature < alphas.Length; feature++)
            {
                alphas[feature] = OutpostGame.Opacity(game.Decision(feature).Access);
            }
            began = Time.realtimeSinceStartup;
            Build();
        }

        private void Build()
        {
            var eye = new GameObject("Camera").AddComponent<Camera>();
            eye.orthographic = true;
            eye.orthographicSize = Height / 2f;
            eye.clearFlags = CameraClearFlags.SolidColor;
            eye.backgroundColor = Colour("#0e1a2b");
            eye.transform.position = new Vector3(Width / 2f, -Height / 2f, -10f);

            Shape("Sea", null, Paint("#14324a"), 1f, new Vector2(0f, 230f), new Vector2(Width, 230f), new Vector2(Width, Height), new Vector2(0f, Height));
            boatHull = Paint("#b5743c");
            boatMast = Paint("#d9d4c7");
            boatSail = Paint("#e9e4d6");
            boat = new GameObject("Boat").transform;
            Shape("Hull", boat, boatHull, 0f, new Vector2(-40f, 0f), new Vector2(40f, 0f), new Vector2(26f, 18f), new Vector2(-26f, 18f));
            Shape("Mast", boat, boatMast, 0f, new Vector2(-2f, -46f), new Vector2(2f, -46f), new Vector2(2f, 0f), new Vector2(-2f, 0f));
            Shape("Sail", boat, boatSail, 0f, new Vector2(4f, -44f), new Vector2(4f, -8f), new Vector2(30f, -8f));
            lanternPaint = Paint("#ffd166");
            for (int i = 0; i < lanterns.Length; i++)
            {
                lanterns[i] = Shape("Lantern", null, lanternPaint, -1f, Disc(0f, 7f));
            }
            cloudPaint = Paint("#c9d6df");
            for (int i = 0; i < clouds.Length; i++)
            {
                clouds[i] = new GameObject("Cloud").transform;
                Shape("Left", clouds[i], cloudPaint, 0.5f, Disc(-24f, 16f));
                Shape("Middle", clouds[i], cloudPaint, 0.4f, Disc(0f, 22f));
                Shape("Right", clouds[i], cloudPaint, 0.3f, Disc(24f, 16f));
            }
            white = Texture2D.whiteTexture;
        }

        private void Update()
        {
            float time = Time.realtimeSinceStartup - began;
            game.Ask();
            for (int feature = 0; feature < alphas.Length; feature++)
            {
                alphas[feature] = Mathf.MoveTowards(alphas[feature], OutpostGame.Opacity(game.Decision(feature).Access), FadePerSecond * Time.unscaledDeltaTime);
            }
            Fade(boatHull, alphas[0]);
            Fade(boatMast, alphas[0]);
            Fade(boatSail, alphas[0]);
            Fade(lanternPaint, alphas[1]);
            Fade(cloudPaint, alphas[2]);
            boat.position = At(320f + 180f * Mathf.Sin(0.4f * time), 226f + 3f * Mathf.Sin(1.7f * time), 0f);
            for (int i = 0; i < lanterns.Length; i++)
            {
                lanterns[i].position = At(56f + 88f * i, 300f + 4f * Mathf.Sin(time + i), 0f);
            }
            for (int i = 0; i < clouds.Length; i++)
            {
                clouds[i].position = At((140f + 200f * i + 8f * time) % 720f - 40f, 96f + 18f * i, 0f);
            }
        }

        private void OnGUI()
        {
            // Keys by way of the GUI, which both of Unity's input systems serve.
            UnityEngine.Event key = UnityEngine.Event.current;
            if (key.type == EventType.KeyDown)
            {
                Press(key.keyCode);
            }
            if (plain == null)
            {
                plain = new GUIStyle { fontSize = 12 };
                plain.normal.textColor = Color.white;
            }
            GUI.matrix = Matrix4x4.Scale(new Vector3(Screen.width / Width, Screen.height / Height, 1f));
            GUI.color = Colour(game.BannerColour);
            GUI.DrawTexture(new Rect(0f, 0f, Width, 48f), white);
            GUI.color = Color.white;
            GUI.Label(new Rect(10f, 4f, Width - 20f, 20f), game.FirstLine, plain);
            GUI.Label(new Rect(10f, 25f, Width - 20f, 20f), game.SecondLine, plain);
            GUI.Label(new Rect(10f, Height - 24f, 400f, 20f), "D plays an outage   R begins anew", plain);
            GUI.Label(new Rect(Width - 110f, Height - 24f, 100f, 20f), game.Time, plain);
        }

        private void Press(KeyCode key)
        {
            if (key == KeyCode.Escape)
            {
                Application.Quit();
            }
            else if (key == KeyCode.D)
            {
                game.Play();
            }
            else if (key == KeyCode.R)
            {
                game.Restart();
            }
        }

        private void OnDestroy()
        {
            if (game != null)
            {
                game.Dispose();
                game = null;
            }
        }

        // Coordinates are the picture's, from the top left; Unity's go up.
        private static Vector3 At(float x, float y, float depth)
        {
            return new Vector3(x, -y, depth);
        }

        private static Vector2[] Disc(float x, float radius)
        {
            var points = new Vector2[32];
            for (int i = 0; i < points.Length; i++)
            {
                float angle = i * 2f * Mathf.PI / points.Length;
                points[i] = new Vector2(x + radius * Mathf.Cos(angle), radius * Mathf.Sin(angle));
            }
            return points;
        }

        // A convex shape, as a fan. The shader draws both sides, so the points may go round either way.
        private static Transform Shape(string name, Transform parent, Material paint, float depth, params Vector2[] points)
        {
            var corners = new Vector3[points.Length];
            for (int i = 0; i < points.Length; i++)
            {
                corners[i] = At(points[i].x, points[i].y, depth);
            }
            var whites = new Color[points.Length];
            for (int i = 0; i < whites.Length; i++)
            {
                whites[i] = Color.white;
            }
            var triangles = new int[(points.Length - 2) * 3];
            for (int i = 0; i + 2 < points.Length; i++)
            {
                triangles[i * 3] = 0;
                triangles[i * 3 + 1] = i + 1;
                triangles[i * 3 + 2] = i + 2;
            }
            var thing = new GameObject(name);
            thing.AddComponent<MeshFilter>().mesh = new Mesh { vertices = corners, colors = whites, triangles = triangles };
            thing.AddComponent<MeshRenderer>().sharedMaterial = paint;
            thing.transform.SetParent(parent, false);
            return thing.transform;
        }

        private static Material Paint(string colour)
        {
            return new Material(Shader.Find("Sprites/Default")) { color = Colour(colour) };
        }

        private static Color Colour(string text)
        {
            Color colour;
            ColorUtility.TryParseHtmlString(text, out colour);
            return colour;
        }

        private static void Fade(Material paint, float alpha)
        {
            Color colour = paint.color;
            if (colour.a != alpha)
            {
                colour.a = alpha;
                paint.color = colour;
            }
        }
    }
}
