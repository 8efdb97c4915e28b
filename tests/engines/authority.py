"""What the engines' games renew from: the real authority in a process of its own, a port where nobody listens, and a black hole."""

import json
import os
import pathlib
import re
import socket
import subprocess
import threading

import kit

PROGRAM = kit.LIB / "reprieve-authority"


def http_library():
    """The folder of a library with HTTP: REPRIEVE_HTTP_LIB, else it is built into target/http, as tests/renewing/run.py does."""
    if os.environ.get("REPRIEVE_HTTP_LIB"):
        return pathlib.Path(os.environ["REPRIEVE_HTTP_LIB"]).resolve()
    target = kit.ROOT / "target" / "http"
    command = ["cargo", "build", "--quiet", "--locked", "--release", "-p", "reprieve-c", "--features", "http", "--target-dir", target]
    code, said = kit.said(*command, cwd=kit.ROOT, seconds=1800)
    if code:
        raise RuntimeError(f"cargo build of the library with HTTP: {said}")
    return target / "release"


def nobody():
    """A URL at which connections are refused."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}/v1/renew"


class Authority:
    """The licence server of the project, with a licence `L1` of `cad`/`core`. `app`: the application file; `code`: what a ledger shows once; `roots`: with `tls`,
    the certificate that vouches for it, and that no platform trusts."""

    def __init__(self, folder, tls=False):
        if not PROGRAM.exists():
            raise PermissionError(f"there is no reprieve-authority in {kit.LIB}")
        self.folder, self.process, self.roots = pathlib.Path(folder), None, None
        address = re.match(r"http://([^/]*)/", nobody())[1]
        url = f"{'https' if tls else 'http'}://{address}"
        self.command("init", self.folder, "--vendor", "acme", "--url", url, "--listen", address, "--database", "sqlite:authority.db", configured=False)
        if tls:
            self.secure()
        self.command("product", "new", "cad", "--name", "CAD")
        self.code = self.command("license", "new", "L1", "--sku", "cad", "--customer", "A customer", "--feature", "core").strip()
        self.app = self.folder / "reprieve.toml"

    def secure(self):
        certificates = kit.module(kit.ROOT / "tests" / "renewing" / "server.py").Certificates(self.folder)
        certificates.context("served", "127.0.0.1")
        self.roots = certificates.roots
        config = self.folder / "authority.toml"
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("[server]\n", '[server]\ncertificate = "served.pem"\ncertificate_key = "served.pem"\n', 1), encoding="utf-8")

    def command(self, *words, configured=True):
        config = ["--config", self.folder / "authority.toml"] if configured else []
        code, out, problem = kit.call([PROGRAM, *config, *words], kit.environment())
        if code:
            raise RuntimeError(f"reprieve-authority {words[0]}: {out}{problem}")
        return out

    def __enter__(self):
        self.process = subprocess.Popen([PROGRAM, "--config", self.folder / "authority.toml", "serve"], env=kit.environment(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        line = self.process.stdout.readline().decode()
        if not line:
            raise RuntimeError(f"reprieve-authority ended with {self.process.wait()} as it began")
        # Nobody may wait for it because a pipe is full.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()

    def issued(self):
        """How many leases it has given, by its own books."""
        return len(json.loads(self.command("document", "list", "--kind", "lease", "--json")))


class Hole:
    """Takes connections and what is sent, and says nothing, until it ends. `taken`: how many requests came."""

    def __enter__(self):
        self.taken, self.held = 0, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1/renew"
        threading.Thread(target=self.run, daemon=True).start()
        return self

    def run(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            self.held.append(stream)
            threading.Thread(target=self.take, args=(stream,), daemon=True).start()

    def take(self, stream):
        try:
            if stream.recv(4096):
                self.taken += 1
        except OSError:
            pass

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for stream in self.held:
            stream.close()


def renewing(app, *urls):
    """Writes renewal servers into an application file that has none."""
    path = pathlib.Path(app)
    text = path.read_text(encoding="utf-8")
    path.write_text("endpoints = [" + ", ".join(f'"{url}"' for url in urls) + "]\n" + text, encoding="utf-8")
    return app
