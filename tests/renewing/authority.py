"""A licence server as vendors have one: reprieve-authority on 127.0.0.1, with a licence L1 for `core` of `cad`, and its code. By hand:

    tests/renewing/authority.py FOLDER COMMAND...    runs a command there, with `reprieve.toml` in FOLDER and the code in the environment's REPRIEVE_CODE
"""

import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("REPRIEVE_LIB") or ROOT / "target" / "release") / "reprieve-authority"


def free_port():
    """One at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Authority:
    """Serves while it is entered. `app`: the application file, where `place` is said with a ledger in the same folder; `code`: what activates the licence.
    With `tls` its name is `localhost` too, by the certificate in that file, with its key, which no platform trusts."""

    def __init__(self, folder, tls=None, place=True, seats=None, program=PROGRAM):
        if not os.access(program, os.X_OK):
            raise PermissionError(f"there is no reprieve-authority in {program.parent}; scripts/authority.sh builds it")
        self.program, self.folder, self.process, self.port = program, pathlib.Path(folder).resolve(), None, free_port()
        self.home, self.app = self.folder / "authority", self.folder / "reprieve.toml"
        self.url = f"{'https://localhost' if tls else 'http://127.0.0.1'}:{self.port}"
        self.command("init", self.home, "--vendor", "acme", "--url", self.url, "--listen", f"127.0.0.1:{self.port}", "--database", "sqlite:authority.db", configured=False)
        if tls:
            config = self.home / "authority.toml"
            keys = f'[server]\ncertificate = "{tls}"\ncertificate_key = "{tls}"\n'
            config.write_text(config.read_text(encoding="utf-8").replace("[server]\n", keys, 1), encoding="utf-8")
        seated = ["--seats", str(seats)] if seats else []
        self.command("product", "new", "cad", "--name", "CAD")
        self.code = self.command("license", "new", "L1", "--sku", "cad", "--customer", "A customer", "--feature", "core", *seated).split()[-1]
        own = f'\n[place]\nfolder = "{self.folder}/ledger"\nwitness = "{self.folder}/witness"\n' if place else ""
        self.app.write_text((self.home / "reprieve.toml").read_text(encoding="utf-8") + own, encoding="utf-8")

    def command(self, *words, configured=True):
        config = ["--config", self.home / "authority.toml"] if configured else []
        done = subprocess.run([self.program, *config, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"reprieve-authority {words[0]}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def issued(self):
        """How many leases it has given, by its own books."""
        return len(json.loads(self.command("document", "list", "--kind", "lease", "--json")))

    def __enter__(self):
        with open(self.folder / "authority.log", "wb") as log:
            command = [self.program, "--config", self.home / "authority.toml", "serve"]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        # Whether it is there is asked past any proxy, and whoever it is by TLS.
        ways = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl._create_unverified_context()))
        end = time.monotonic() + 30
        while True:
            try:
                with ways.open(f"{self.url}/readyz", timeout=5):
                    return self
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.__exit__()
                    raise RuntimeError(f"it does not serve: {error}: {(self.folder / 'authority.log').read_text()}") from None
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)


def main():
    with Authority(sys.argv[1]) as authority:
        return subprocess.run(sys.argv[2:], cwd=sys.argv[1], env={**os.environ, "REPRIEVE_CODE": authority.code}).returncode


if __name__ == "__main__":
    sys.exit(main())
