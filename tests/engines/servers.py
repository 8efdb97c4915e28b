"""What the engines' games renew from: the real authority in a process of its own, a port where nobody listens, and a black hole."""

import os
import pathlib
import socket
import subprocess
import threading

import kit


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


def authority(folder, tls=False):
    """The project's own, in a folder of its own; with `tls` under a certificate whose roots, which no platform trusts, are its `roots`."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    roots = certificate = None
    if tls:
        certificates = kit.module(kit.ROOT / "tests" / "renewing" / "server.py").Certificates(folder)
        certificates.context("served", "localhost")
        certificate, roots = folder / "served.pem", certificates.roots
    # A game finds the place of its ledger as the engine says.
    made = kit.module(kit.ROOT / "tests" / "renewing" / "authority.py").Authority(folder, certificate, place=False, program=kit.LIB / "reprieve-authority")
    made.roots = roots
    return made


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
