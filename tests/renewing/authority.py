"""A licence server as vendors have one: reprieve-authority on 127.0.0.1, with a licence L1 for `core` of `cad`, and its code. By hand:

    tests/renewing/authority.py FOLDER COMMAND...    runs a command there, with `reprieve.toml` in FOLDER and the code in the environment's REPRIEVE_CODE
"""

import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("REPRIEVE_LIB") or ROOT / "target" / "release") / "reprieve-authority"


class Authority:
    """Serves while it is entered. `app` is the application file, `code` activates the licence."""

    def __init__(self, folder):
        self.folder, self.serving = pathlib.Path(folder), None

    def call(self, *words):
        done = subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"reprieve-authority {words[0]}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def __enter__(self):
        self.call("init", "acme", "--vendor", "acme", "--person", "anna", "--person", "ben")
        place = self.folder / "acme"
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        for name in ("authority.toml", "reprieve.toml"):
            path = place / name
            path.write_text(path.read_text().replace("127.0.0.1:8470", f"127.0.0.1:{port}"))
        config = ("--config", "acme/authority.toml")
        self.call(*config, "product", "new", "cad", "--name", "CAD")
        self.code = self.call(*config, "license", "new", "L1", "--sku", "cad", "--customer", "A customer", "--feature", "core")
        if not re.fullmatch(r"rpa_[\w-]+", self.code):
            raise RuntimeError(f"this is no code: {self.code}")
        # With a ledger of its own.
        self.app = self.folder / "reprieve.toml"
        self.app.write_text(f'{(place / "reprieve.toml").read_text()}\n[place]\nfolder = "{self.folder}/ledger"\nwitness = "{self.folder}/witness"\n')
        with open(self.folder / "authority.log", "wb") as log:
            self.serving = subprocess.Popen([PROGRAM, *config, "serve"], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 20
        while True:
            try:
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/readyz", timeout=2):
                    return self
            except OSError as error:
                if self.serving.poll() is not None or time.monotonic() > end:
                    self.__exit__()
                    raise RuntimeError(f"it does not serve: {error}: {(self.folder / 'authority.log').read_text()}") from None
                time.sleep(0.05)

    def __exit__(self, *_):
        self.serving.terminate()
        self.serving.wait()


def main():
    with Authority(sys.argv[1]) as authority:
        return subprocess.run(sys.argv[2:], cwd=sys.argv[1], env={**os.environ, "REPRIEVE_CODE": authority.code}).returncode


if __name__ == "__main__":
    sys.exit(main())
