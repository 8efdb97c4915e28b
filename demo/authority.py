"""The last part of the demo: a real authority is started, killed and restarted, and a product renews from it by HTTP."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request

import reprieve
from reprieve.renewing import Renewing


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Act:
    def __init__(self, program, folder, say):
        self.program, self.say = program, say
        self.home = os.path.join(folder, "vendor")
        self.url = f"http://127.0.0.1:{free_port()}"
        self.server = None

    def command(self, *words):
        command = [self.program, "--config", os.path.join(self.home, "authority.toml"), *words]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def start(self):
        log = open(os.path.join(self.home, "serve.log"), "a")
        command = [self.program, "--config", os.path.join(self.home, "authority.toml"), "serve"]
        self.server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.server.stdout.readline()
        if not line.startswith("listening"):
            raise SystemExit(f"demo: the authority does not start: {open(log.name).read()}")

    def kill(self):
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()

    def renew(self, client, renewing, wanted):
        """Until the renewal that is asked for has ended as it should; a renewal is due again at once where none was given."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            renewing.renew_now()
            time.sleep(0.3)
            state = renewing.state()
            if state.word == wanted and not state.is_busy:
                break
        decision = client.check("cad", "core")
        print(f"        renewal: {state.word}; the product is {decision.access}, {decision.state}")
        return state.word == wanted and str(decision.access) == "full"

    def checkpoint(self):
        with urllib.request.urlopen(self.url + "/log/checkpoint", timeout=10) as answer:
            return int(answer.read().decode().splitlines()[1])

    def consistent(self, old):
        """The server's own word; `reprieve-authority log verify` proves it."""
        with urllib.request.urlopen(f"{self.url}/log/consistency?old={old}", timeout=10) as answer:
            return json.load(answer)["new"]

    def run(self):
        self.say("And now a real authority: made and started.")
        subprocess.run([self.program, "init", self.home, "--vendor", "demo", "--url", self.url, "--listen", self.url[7:]],
                       check=True, stdout=subprocess.DEVNULL)
        self.command("product", "new", "cad", "--name", "CAD")
        code = self.command("license", "new", "L1", "--sku", "cad", "--customer", "Demo", "--feature", "core").strip()
        self.start()
        good = True
        with open(os.path.join(self.home, "reprieve.toml"), encoding="utf-8") as file:
            app = file.read()
        with reprieve.open_toml(app, in_memory=True) as client:
            with Renewing(client, timeout=5, proxy="", headers={"Authorization": f"Bearer {code}"}) as renewing:
                good &= self.renew(client, renewing, "renewed")
                before = self.checkpoint()
                self.say("It is killed. The lease holds; the renewal that fails is recorded as an outage of the server's.")
                self.kill()
                good &= self.renew(client, renewing, "refused")
                self.say("It is restarted, and the product finds it.")
                self.start()
                good &= self.renew(client, renewing, "renewed")
        after = self.consistent(before)
        good &= after > before
        print(f"        the log of all documents issued goes on from {before} to {after}")
        self.server.terminate()
        good &= self.server.wait() == 0
        return good


def act(program, folder, say):
    """Whether all went as it should."""
    one = Act(program, folder, say)
    try:
        return one.run()
    finally:
        if one.server and one.server.poll() is None:
            one.kill()
