"""What the engines' games renew from: the real authority in a process of its own, a port where nobody listens, and a black hole."""

import pathlib
import socket
import threading

import kit


def of_renewing(name):
    """What the tests of renewing have in this file."""
    return kit.module(kit.ROOT / "tests" / "renewing" / f"{name}.py")


def http_library():
    """The folder of a library with HTTP."""
    folder, problem = of_renewing("library").http_library()
    if problem:
        raise RuntimeError(problem)
    return folder


def nobody():
    """A URL at which connections are refused."""
    return f"http://127.0.0.1:{of_renewing('authority').free_port()}/v1/renew"


def authority(folder, tls=False):
    """The project's own, in a folder of its own; with `tls` under a certificate whose roots, which no platform trusts, are its `roots`."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    roots = certificate = None
    if tls:
        certificates = of_renewing("server").Certificates(folder)
        certificates.context("served", "localhost")
        certificate, roots = folder / "served.pem", certificates.roots
    # A game finds the place of its ledger as the engine says.
    made = of_renewing("authority").Authority(folder, certificate, place=False, program=kit.LIB / "reprieve-authority")
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
