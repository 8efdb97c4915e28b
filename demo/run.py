#!/usr/bin/env python3
"""An outage survived: a C++, a C# and a Python product on one ledger lose their licence server.

Three real processes on the real clock. What is simulated is the authority (a drill's), and the wall when it is set back: the
drill's folder holds an offset that every client of the drill adds. No command sets the machine's clock. At the end a real authority is
started, killed and restarted (authority.py).

Ends with status 1 if any two decisions differ, or the real authority renews nothing.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import reprieve

import authority

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
LIB = os.path.join(ROOT, "target", "release")
CLI = os.path.join(LIB, "reprieve")
BUILD = os.path.join(ROOT, "build", "demo")
SKU, FEATURE = "cad", "core"

POLICY = {
    "schema": 1,
    "id": "demo",
    "version": 1,
    "default_tier": "basic",
    "clock": {"tolerance": "5s", "max_leap": "1d", "settle": "1h", "suspect_limit": "30s"},
    "governance": {"approvals": 2, "max_extension": "1m"},
    "tiers": {
        "basic": {
            "warn": ["4s", "2s"],
            "network": {
                "allowance": "10s",
                "stages": [{"after": "0s", "access": "full"}, {"after": "6s", "access": "limited"}],
            },
            "unknown": {"allowance": "5s"},
            "maintenance": {"allowance": "20s", "margin": "3s"},
        }
    },
}

COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ
CODES = {"full": "32", "limited": "33", "denied": "31", "unknown": "35"}


def paint(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if COLOUR else text


class Product:
    """A product's process: it gets a command a line, and answers each with a line of JSON."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"demo: the {self.name} product ended with status {self.process.wait()}")
        return json.loads(line)

    def ask(self, *words):
        self.send(*words)
        return self.answer()


def build():
    """Compiles the C++ and the C# product."""
    os.makedirs(BUILD, exist_ok=True)
    sources = [os.path.join(ROOT, "bindings", "csharp", "src", name)
               for name in sorted(os.listdir(os.path.join(ROOT, "bindings", "csharp", "src"))) if name.endswith(".cs")]
    subprocess.run(
        ["c++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-I", os.path.join(ROOT, "include"),
         os.path.join(HERE, "product.cpp"), "-o", os.path.join(BUILD, "product-cpp"),
         "-L", LIB, "-lreprieve", f"-Wl,-rpath,{LIB}"], check=True)
    subprocess.run(
        ["mcs", "-warnaserror", "-langversion:7.2", f"-out:{os.path.join(BUILD, 'product-cs.exe')}", os.path.join(HERE, "Product.cs"), *sources],
        check=True)


class Demo:
    def __init__(self, folder):
        self.folder = folder
        self.drill = reprieve.Drill.create(folder, POLICY)
        env = dict(os.environ)
        env["LD_LIBRARY_PATH"] = LIB + os.pathsep + env.get("LD_LIBRARY_PATH", "")
        os.environ.update(env)
        self.products = [
            Product("C++", [os.path.join(BUILD, "product-cpp"), folder]),
            Product("C#", ["mono", os.path.join(BUILD, "product-cs.exe"), folder]),
            Product("Python", [sys.executable, os.path.join(HERE, "product.py"), folder]),
        ]
        self.cpp, self.cs, self.python = self.products
        self.started = time.monotonic()
        self.differing = 0
        self.compared = 0
        self.serial = 0

    def say(self, text):
        print(paint("1", f"\n{time.monotonic() - self.started:5.1f}s  {text}"), flush=True)

    def file(self, token):
        self.serial += 1
        path = os.path.join(self.folder, f"document-{self.serial}.jws")
        with open(path, "wb") as out:
            out.write(token)
        return path

    def hand(self, product, what, token):
        """One product imports a document that came as a file."""
        answer = product.ask("import", self.file(token))
        verdict = "accepted" if answer["accepted"] else f"refused: {answer['error']}"
        print(f"        {product.name} imports {what}: {paint('32' if answer['accepted'] else '31', verdict)}")
        return answer

    def lease(self, product, seconds):
        """A renewal: the product asks, the authority answers."""
        nonce = product.ask("request")["nonce"]
        now = self.drill.now_ns // 10**9
        claims = {"license": "L1", "sku": SKU, "features": {FEATURE: now + seconds}, "nonce": nonce, "iat": now}
        return self.hand(product, f"a lease of {seconds} s", self.drill.issue("lease", claims))

    def decisions(self):
        for product in self.products:
            product.send("check", SKU, FEATURE)
        return [product.answer() for product in self.products]

    def look(self):
        """All three decide, and their decisions are compared."""
        same = ("access", "state", "reason", "until", "ends", "clock", "ledger")
        decisions = self.decisions()
        facts = [{key: decision[key] for key in same} for decision in decisions]
        if any(fact != facts[0] for fact in facts):
            # One may have been asked before, another after something that was foretold; at the same side they must agree.
            time.sleep(0.3)
            decisions = self.decisions()
            facts = [{key: decision[key] for key in same} for decision in decisions]
        self.compared += 1
        cells = []
        for product, decision in zip(self.products, decisions):
            state = decision["reason"] or decision["state"]
            runway = "" if decision["runway"] is None else f" {decision['runway']:.0f}s left"
            text = f"{product.name}: {decision['access']} {state}{runway}"
            cells.append(paint(CODES[decision["access"]], text.ljust(38)))
        mark = "" if decisions[0]["clock"] == "ok" else paint("33", f"clock {decisions[0]['clock']}")
        if any(fact != facts[0] for fact in facts):
            self.differing += 1
            mark = paint("31", "  DIFFERENT " + json.dumps(facts))
        print(f"{time.monotonic() - self.started:5.1f}s  " + " ".join(cells) + mark, flush=True)
        return decisions[0]

    def watch(self, seconds):
        for _ in range(seconds):
            self.look()
            time.sleep(1)

    def run(self):
        self.say("The licence server answers: one product renews, all are licensed.")
        self.lease(self.cpp, 4)
        self.watch(3)
        self.say("The licence server is gone. One product reports it, all know it.")
        self.cs.ask("report", "network")
        self.watch(6)
        self.say("The vendor announces maintenance. The Python product gets the notice.")
        now = self.drill.now_ns // 10**9
        self.hand(self.python, "a notice", self.drill.issue("notice", {"id": "m1", "start": now, "end": now + 6}))
        self.watch(3)
        self.say("Support grants time: with one signature, then with two.")
        until = self.drill.now_ns // 10**9 + 40
        claims = {"license": "L1", "until": until}
        self.hand(self.cpp, "an extension signed by one", self.drill.issue("extension", claims))
        self.hand(self.cpp, "an extension signed by two", self.drill.issue("extension", claims, signers=2))
        self.watch(2)
        self.say("Somebody forges a lease.")
        forged = {"license": "L1", "sku": SKU, "features": {FEATURE: self.drill.now_ns // 10**9 + 10**8}}
        self.hand(self.cs, "a forged lease", self.drill.issue("lease", forged, fault="bad_signature"))
        self.watch(1)
        self.say("Somebody sets the clock back by an hour: it gains nothing, and is recorded.")
        self.drill.set_wall(-3600)
        self.watch(3)
        self.say("The clock is put right.")
        self.drill.set_wall(3600)
        self.watch(2)
        self.say("The licence server is back: recovery.")
        self.lease(self.python, 3600)
        self.watch(2)
        for product in self.products:
            product.ask("quit")
            product.process.wait()

    def epilogue(self):
        self.say("The ledger's history, in plain words:")
        subprocess.run([CLI, "ledger", "history", "--drill", self.folder], check=True)
        self.say("Is the ledger whole? Without any key, then with the application's:")
        ledger = os.path.join(self.folder, "ledger")
        subprocess.run([CLI, "ledger", "verify", ledger], check=True)
        subprocess.run([CLI, "ledger", "verify", "--drill", self.folder], check=True)


def main():
    build()
    folder = tempfile.mkdtemp(prefix="reprieve-demo-")
    try:
        demo = Demo(folder)
        demo.run()
        demo.epilogue()
        renewed = authority.act(os.path.join(LIB, "reprieve-authority"), folder, demo.say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    took = time.monotonic() - demo.started
    told = "renewed from a real authority before and after it was killed" if renewed else "NOT RENEWED from the real authority"
    print(f"\n{demo.compared} times three products decided, {demo.differing} times two differed; {told}; {took:.0f} s")
    return 1 if demo.differing or not renewed else 0


if __name__ == "__main__":
    sys.exit(main())
