"""Renewals of the Unity package on the stub engine: by the package's own library, and by UnityWebRequest, whose stub does real HTTP; against
tests/renewing's server, which is faulty in every way."""

import concurrent.futures
import http.server as http_server
import itertools
import json
import pathlib
import re
import shutil
import sys
import threading

import kit

sys.path.insert(0, str(kit.ROOT / "tests" / "renewing"))

# Long enough for a slow machine's TLS, short enough for rows that wait for it.
MILLISECONDS = "4000"
# Where UnityWebRequest says less than a socket does: what it comes to then.
OTHERWISE = {"refused": ("no_route", "network")}
KINDS = (("Library", "the library's own HTTP"), ("UnityWebRequest", "UnityWebRequest"))


def trust(name, roots, home):
    """What makes a runtime trust the test's authority, as a platform does: its environment, or why not."""
    if name != "Mono":
        return {"SSL_CERT_FILE": str(roots)}, None
    if not shutil.which("cert-sync"):
        return None, "cert-sync is missing (Debian: ca-certificates-mono)"
    code, said = kit.said("cert-sync", "--user", roots, env={**kit.environment(), "HOME": str(home)})
    return (None, said) if code else ({}, None)


class Renewals:
    def __init__(self, counts, name, program, env_of, package, work):
        import server

        self.counts, self.name, self.program, self.env_of, self.work, self.server, self.heads = counts, name, program, env_of, work, server, []
        work.mkdir()
        # What was sent is looked at as well.
        plain = server.request

        def request(stream):
            head, body = plain(stream)
            self.heads.append(head)
            return head, body

        server.request = request
        try:
            self.faulty = server.Faulty(work)
        finally:
            self.restore = lambda: setattr(server, "request", plain)
        self.libraries = {"Library": package / "Runtime" / "Plugins" / "Linux" / "x86_64", "UnityWebRequest": kit.LIB, "Automatic": kit.LIB}
        self.apps, self.runs = 0, itertools.count()

    def app(self, url):
        self.apps += 1
        return self.faulty.app(self.work / f"app{self.apps}", url)

    def run(self, http, *words, more=None, seconds=300):
        env = {key: value for key, value in self.env_of(self.libraries[http]).items() if not key.lower().endswith("_proxy")}
        # A folder of its own: one that a text of an application file names counts from there.
        here = self.work / f"run{next(self.runs)}"
        here.mkdir()
        return kit.said(*self.program, *words, env={**env, **(more or {})}, seconds=seconds, cwd=here)

    def must(self, what, http, wanted, *words):
        code, said = self.run(http, *words)
        good = code == 0 and re.fullmatch(wanted, said.strip().splitlines()[-1] if said.strip() else "")
        self.counts.note(f"{self.name}: {what}", None if good else f"ended with {code}: {said[-3000:]}")

    def rows(self):
        trusted, why = trust(self.name, self.faulty.certificates.roots, self.env_of(kit.LIB)["HOME"])
        if trusted is None:
            self.counts.skip(f"{self.name}: UnityWebRequest against a faulty server", why)
            return

        def row_of(row):
            # A probe may follow a failure at once, and be what ended last when a slow machine looks: then it is done again.
            for _ in range(3):
                code, said = self.run("UnityWebRequest", "row", self.app(row[1]), "UnityWebRequest", self.faulty.certificates.roots, MILLISECONDS, more=trusted)
                if code or not said.strip().startswith("reached|"):
                    break
            return said.strip() if code == 0 else f"ended with {code}: {said[-2000:]}"

        self.heads.clear()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            told = dict(zip((row[0] for row in self.faulty.rows), pool.map(row_of, self.faulty.rows)))
        for what, _, word, reported, when in self.faulty.rows:
            word, reported = OTHERWISE.get(what, (word, reported))
            wanted = f"{word}|{reported}|{when}|{'full' if word == 'renewed' else 'denied'}"
            self.counts.note(f"{self.name}: {what}, by UnityWebRequest", None if told[what] == wanted else f"expected {wanted}, got {told[what]}")
        posts = [head for head in self.heads if head and head[0].startswith("post ")]
        lacking = [head for head in posts if head[1].get("x-of-the-game") != "yes"]
        problem = "\n".join(self.faulty.wrong) or (f"without the game's own field: {lacking[0]}" if lacking else None if posts else "nothing was sent")
        self.counts.note(f"{self.name}: what UnityWebRequest sent is what poll said, with the game's own header fields", problem)

    def another_network(self):
        asked, good = [], self.faulty.leases()

        def behave(stream, body):
            asked.append(body)
            good(stream, body) if len(asked) > 1 else self.server.write(stream, 500)

        return behave

    def back(self):
        asked, good = [], self.faulty.leases()

        def behave(stream, body):
            asked.append(body)
            good(stream, body) if len(asked) > 1 else self.server.silent(stream, body)

        return behave

    def of_probes_and_mirrors(self, http, by):
        """What goes there names no customer: none of the game's header fields."""
        serve, what = self.faulty.serve, "a probe finds that the network is back"
        self.heads.clear()
        self.must(f"{what}, by {by}", http, "renewed after a probe", "back", self.app(serve(None, self.back())), http)
        probes = [fields for line, fields in filter(None, self.heads) if line.startswith("head ")]
        problem = None if probes and not any("x-of-the-game" in fields for fields in probes) else f"the probes: {probes}"
        self.counts.note(f"{self.name}: {what}, and is told nothing of the game, by {by}", problem)
        policy, fetched = self.faulty.vendor.policy().decode(), []

        class Static(http_server.BaseHTTPRequestHandler):
            def do_GET(self):
                fetched.append((self.path, {name.lower() for name in self.headers}))
                body = json.dumps({"documents": [policy]}).encode()
                self.send_response(200)
                for name, value in (("Content-Type", "application/json"), ("ETag", '"1"'), ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        with http_server.ThreadingHTTPServer(("127.0.0.1", 0), Static) as mirror:
            threading.Thread(target=mirror.serve_forever, daemon=True).start()
            app = self.app(serve(None, self.server.answers(500)))
            app.write_text(f'mirrors = ["http://127.0.0.1:{mirror.server_port}/licence"]\n{app.read_text()}')
            self.must(f"common documents come from a mirror, by {by}", http, "fetched from a mirror", "mirror", app, http)
            mirror.shutdown()
        good = fetched and all(path == "/licence/v1/common.json" and "x-of-the-game" not in fields for path, fields in fetched)
        self.counts.note(f"{self.name}: the mirror is told nothing of the game, by {by}", None if good else f"fetched: {fetched}")

    def all(self):
        serve = self.faulty.serve
        for http, by in KINDS:
            self.must(f"a lease is renewed, by {by}", http, r"seen: not yet, full; renewed, \d+ s ago; next in .+", "renews", self.app(serve(None, self.faulty.leases())), http)
            self.must(f"play mode a hundred times while it renews, by {by}", http, r"100 plays that renew, \d+ handles left", "renewing-plays",
                      self.app(serve(None, self.faulty.leases())), http, "100")
            what = f"play mode with domain reload while it renews, by {by}"
            if self.name == "Mono":
                self.must(what, http, r"30 domains that renew, 0 handles left", "renewing-reload", self.app(serve(None, self.faulty.leases())), http, "30")
            else:
                self.counts.skip(f"{self.name}: {what}", "this runtime has no application domains")
            self.must(f"closed while a server says nothing, by {by}", http, "closed within 3 s", "hangs", self.app(serve(None, self.server.silent)), http)
            self.must(f"another network ends a pause, by {by}", http, "renewed on another network", "network", self.app(serve(None, self.another_network())), http)
            self.must(f"a second server beside one that says nothing, by {by}", http, "renewed by the second", "hedged",
                      self.app([serve(None, self.server.silent), serve(None, self.faulty.leases())]), http)
            self.of_probes_and_mirrors(http, by)
        self.must("a library without HTTP: UnityWebRequest takes its place", "Automatic", r"seen: not yet, full; renewed, .+", "renews",
                  self.app(serve(None, self.faulty.leases())), "Automatic")
        self.must("a game that stands still is no outage", "UnityWebRequest", "no outage", "still", self.app(serve(None, self.server.silent)))
        for what, told in (("http", "Insecure connection not allowed"), ("header", "Cannot override system-specified headers"), ("proxy", "takes no certificates and no proxy")):
            self.must(f"what Unity refuses is told once ({what})", "UnityWebRequest", f".*leases are not renewed: .*{told}.*", "forbidden",
                      self.app(serve(None, self.faulty.leases())), what)
        self.must("without endpoints nothing is done", "Library", "nothing is done", "no-endpoints", self.faulty.vendor.app)
        self.must("the component's switch, on", "Library", "full", "switched", self.app(serve(None, self.faulty.leases())), "on")
        self.must("the component's switch, as it comes", "Library", "nothing is renewed", "switched", self.app(serve(None, self.faulty.leases())), "off")
        self.must("texts of UnityWebRequest's errors", "UnityWebRequest", r"\d+ texts", "texts")
        self.must("nothing is allocated in a frame while a request is under way", "UnityWebRequest", "0 bytes", "frames-of-renewals", self.app(serve(None, self.server.silent)))
        self.rows()


def renewals(counts, name, program, env_of, package, work):
    try:
        import cryptography  # noqa: F401
    except ImportError:
        counts.skip(f"{name}: renewals", "the Python package cryptography is missing")
        return
    made = Renewals(counts, name, program, env_of, package, pathlib.Path(work))
    try:
        made.all()
    finally:
        made.restore()
