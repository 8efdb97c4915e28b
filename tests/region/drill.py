#!/usr/bin/env python3
"""The outage, for real: three authorities on two PostgreSQL servers, in regions that are network namespaces with links between them, and products in C++,
C# and Python that go on working on three machines, each with a ledger of its own. Authorities, servers and whole regions are killed, links are taken down
and made slow, and one authority's clock is wrong. A timeline is printed, and what is to hold is counted:

no product is ever denied; no document that was issued is missing from the log, which never forks; no seat is counted twice; in the end all are licensed.

`drill.py` runs it all, in some minutes; `drill.py --short` what goes into a minute.
"""

import argparse
import contextlib
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import rig

HERE = pathlib.Path(__file__).resolve().parent
BUILD = rig.ROOT / "build" / "region"
NAME = f"rp{os.getpid() % 100000}"
REGIONS = {"east": "10.77.0.1", "west": "10.77.0.2", "north": "10.77.0.3", "shops": "10.77.0.4"}
COUNTS = rig.Counts("the outage of a region")
STARTED = time.monotonic()


def tell(text):
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


def command(*words, check=True):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stdout.strip()}")
    return done.stdout


class Network:
    """Regions on one bridge, which lies in a namespace of its own: nothing of the machine's own network is touched."""

    def __init__(self):
        self.hub = f"{NAME}-hub"

    def __enter__(self):
        try:
            command("ip", "netns", "add", self.hub)
            command("ip", "-n", self.hub, "link", "add", "bridge", "type", "bridge")
            command("ip", "-n", self.hub, "link", "set", "bridge", "up")
            for region, address in REGIONS.items():
                space = self.space(region)
                command("ip", "netns", "add", space)
                command("ip", "-n", self.hub, "link", "add", region, "type", "veth", "peer", "name", "eth0", "netns", space)
                command("ip", "-n", self.hub, "link", "set", region, "master", "bridge", "up")
                command("ip", "-n", space, "link", "set", "lo", "up")
                command("ip", "-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
                command("ip", "-n", space, "link", "set", "eth0", "up")
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for space in [*(self.space(region) for region in REGIONS), self.hub]:
            command("ip", "netns", "del", space, check=False)

    def space(self, region):
        return f"{NAME}-{region}"

    def inside(self, region):
        return ["ip", "netns", "exec", self.space(region)]

    def link(self, region, up):
        command("ip", "-n", self.hub, "link", "set", region, "up" if up else "down")

    def slow(self, region, rate):
        """Both ways: a bucket of tokens on each end of the link."""
        for space, device in ((self.hub, region), (self.space(region), "eth0")):
            if rate:
                command("tc", "-n", space, "qdisc", "replace", "dev", device, "root", "tbf", "rate", rate, "burst", "4kb", "latency", "2s")
            else:
                command("tc", "-n", space, "qdisc", "del", "dev", device, "root")


class Machine:
    """A ledger, and the three products on it."""

    def __init__(self, name, folder, app, commands, code, addresses, inside):
        self.name, self.access, self.lines = name, {}, queue.Queue()
        self.tokens, self.seen, self.denied, self.renewals, self.last = [], {}, [], 0, 0.0
        self.problems = []
        folder.mkdir()
        path = folder / "reprieve.toml"
        path.write_text(app + 'place = { folder = "ledger", witness = "witness" }\n')
        self.path = path
        self.running = {}
        self.ending = False
        env = dict(os.environ, LD_LIBRARY_PATH=str(rig.target() / "release"))
        for language, program in commands.items():
            more = [code, *addresses] if language == "Python" else []
            log = open(folder / f"{language}.log", "wb")  # noqa: SIM115
            process = subprocess.Popen([*inside, *program, str(path), *more], stdout=subprocess.PIPE, stderr=log, env=env)
            log.close()
            self.running[language] = process
            threading.Thread(target=self._read, args=(language, process), daemon=True).start()

    def _read(self, language, process):
        for line in process.stdout:
            if language == "Python":
                with contextlib.suppress(ValueError):
                    self._python(json.loads(line))
            else:
                self._says(language, line.decode().strip())
        if not self.ending:
            self.denied.append(f"{language} ended with {process.wait()}")

    def _python(self, said):
        if "access" in said:
            self._says("Python", said["access"], said["state"])
        if said.get("renewed"):
            self.renewals += 1
            self.last = time.monotonic()
        self.tokens.extend(said.get("tokens", ()))
        for problem in said.get("problems") or ():
            self.problems.append(problem["problem"])
        if "failed" in said:
            key = f"{said['failed'].split(':')[0]} {said['why']}"
            self.seen[key] = self.seen.get(key, 0) + 1

    def _says(self, language, access, state=None):
        before = self.access.get(language)
        self.access[language] = access
        if state and state != before:
            tell(f"         {self.name}: {state}")
        # Before its first lease a product is denied, as it should be.
        if access in ("denied", "unknown") and self.renewals and before == "full":
            self.denied.append(f"{language} was {access} at {time.monotonic() - STARTED:.1f} s")
            tell(f"         {self.name}: {language} is {access}")

    def licensed(self):
        return len(self.access) == len(self.running) and set(self.access.values()) == {"full"}

    def stop(self):
        self.ending = True
        for process in self.running.values():
            process.kill()
            process.wait()


class World:
    def __init__(self, folder, network):
        self.folder, self.network = folder, network
        self.ends = []
        one = rig.Server(folder, "one", REGIONS["east"], 5432, network.inside("east")).create()
        self.ends.append(one.stop)
        two = rig.Server(folder, "two", REGIONS["west"], 5432, network.inside("west")).follow(one)
        self.ends.append(two.stop)
        one.require(two)
        self.one, self.two, self.three = one, two, None
        third = rig.Server(folder, "three", REGIONS["north"], 5432, network.inside("north"))
        addresses = [f"{REGIONS[region]}:8470" for region in ("east", "west", "north")]
        first = rig.Authority(folder / "east", REGIONS["east"], 8470, network.inside("east"))
        first.init([one.url(), two.url(), third.url()], f"http://{addresses[0]}")
        text = first.config.read_text().replace('lease = "7d"', 'lease = "20s"').replace("[keys]", 'patience = "2s"\n\n[keys]')
        # An authority is asked again and again here, by few.
        text = text.replace("[database]", "per_ledger = 1000\n\n[database]", 1)
        first.config.write_text(text)
        self.code = first.licence(seats=3)
        self.third = third
        self.authorities = {"east": first}
        for region in ("west", "north"):
            self.authorities[region] = first.copy(folder / region, REGIONS[region], 8470, network.inside(region))
        for authority in self.authorities.values():
            authority.start()
            self.ends.append(authority.stop)
        self.log = first.verifier()
        self.addresses = addresses
        app = (first.folder / "reprieve.toml").read_text()
        programs = build()
        self.machines = []
        for name in ("shop 1", "shop 2", "shop 3"):
            machine = Machine(name, folder / name.replace(" ", ""), app, programs, self.code, addresses, network.inside("shops"))
            self.machines.append(machine)
            self.ends.append(machine.stop)

    def end(self):
        for end in reversed(self.ends):
            with contextlib.suppress(Exception):
                end()

    def look(self, region):
        """Asks an authority for the log's checkpoint, as an auditor would."""
        try:
            return self.log.look(self.authorities[region], timeout=8)
        except OSError:
            return None

    def recovered(self, seconds, regions):
        """Each machine has renewed since now, and is licensed."""
        now = time.monotonic()
        rig.wait_for("every machine renews", seconds, lambda: all(one.last > now and one.licensed() for one in self.machines), 0.1)
        for region in regions:
            rig.wait_for(f"the log is served in {region}", 20, lambda region=region: self.look(region))
        took = time.monotonic() - now
        tell(f"all renewed {took:.1f} s later; the log has {self.log.size} documents")
        return took

    def quiet(self, seconds):
        """For so long nothing is issued, and nobody is denied."""
        end = time.monotonic() + seconds
        size = self.log.size
        while time.monotonic() < end:
            for region in self.authorities:
                seen = self.look(region)
                if seen is not None:
                    size = max(size, seen)
            time.sleep(0.5)


def build():
    """The products of three languages: what cannot be had is said."""
    BUILD.mkdir(parents=True, exist_ok=True)
    library = rig.target() / "release"
    programs = {"Python": [sys.executable, str(HERE / "renewing.py")]}
    watcher = BUILD / "watcher"
    command("c++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-I", str(rig.ROOT / "include"), str(HERE / "watcher.cpp"), "-o", str(watcher),
            "-L", str(library), "-lreprieve", f"-Wl,-rpath,{library}")  # fmt: skip
    programs["C++"] = [str(watcher)]
    if shutil.which("mcs") and shutil.which("mono"):
        sources = sorted(str(one) for one in (rig.ROOT / "bindings/csharp/src").glob("*.cs"))
        command("mcs", "-warnaserror", "-langversion:7.2", f"-out:{watcher}.exe", str(HERE / "Watcher.cs"), *sources)
        programs["C#"] = ["mono", f"{watcher}.exe"]
    else:
        COUNTS.not_run("the C# product", "mcs and mono are not installed")
    return programs


# What is done, and how it is told.


def begin(world):
    tell("three authorities, a primary in the east, its standby in the west; products start")
    world.recovered(40, world.authorities)


def an_authority(world):
    tell("KILL the authority in the north")
    world.authorities["north"].kill()
    world.recovered(40, ["east", "west"])
    world.authorities["north"].start()
    tell("it is started again")
    world.recovered(40, ["north"])


def the_standby(world, seconds):
    tell("CUT the link of the west: the primary has no standby, and nothing may be issued")
    world.network.link("west", False)
    time.sleep(3)
    before = [len(one.tokens) for one in world.machines]
    world.quiet(seconds)
    expect([len(one.tokens) for one in world.machines], before, "documents that left while no standby had them")
    tell("the link is back")
    world.network.link("west", True)
    world.recovered(60, world.authorities)


def the_primary(world, seconds):
    tell("CUT the link of the east: west and north reach no primary, the east no customer")
    world.network.link("east", False)
    world.quiet(seconds)
    tell("the link is back")
    world.network.link("east", True)
    world.recovered(60, world.authorities)


def slowly(world, seconds):
    tell("SLOW the links of the west: 256 kbit/s both ways, so is what the standby is sent")
    world.network.slow("west", "256kbit")
    world.recovered(90, [])
    time.sleep(seconds)
    world.network.slow("west", None)
    tell("the links are as before")
    world.recovered(60, world.authorities)


def a_clock(world):
    tell("the authority in the north starts with a clock that is two hours ahead")
    north = world.authorities["north"]
    north.stop()
    text = north.config.read_text()
    north.config.write_text(text + "\n[clock]\noffset_seconds = 7200\n")
    north.start()
    answer = north.get("/readyz", timeout=10)
    expect(answer.status, 503, "/readyz of an authority whose clock is wrong")
    before = {one.name: one.seen.get(f"{REGIONS['north']} 503", 0) for one in world.machines}
    world.recovered(60, ["east", "west"])
    rig.wait_for("the north answers 503", 60, lambda: any(one.seen.get(f"{REGIONS['north']} 503", 0) > before[one.name] for one in world.machines))
    tell("it answers 503, and the others renew")
    north.stop()
    north.config.write_text(text)
    north.start()
    tell("its clock is right again")
    world.recovered(60, world.authorities)


def the_region(world):
    tell("KILL the region in the east: the primary and its authority at once")
    before = world.log.size
    world.one.kill()
    world.authorities["east"].kill()
    tell("PROMOTE the standby in the west; it needs a standby of its own before anything is issued")
    world.two.promote()
    # It names none so far: what it was told as a standby is the old primary's setting, which waits for itself.
    tokens = [len(one.tokens) for one in world.machines]
    time.sleep(4)
    expect([len(one.tokens) for one in world.machines], tokens, "documents that left without a standby")
    world.third.follow(world.two)
    world.ends.append(world.third.stop)
    world.two.require(world.third)
    tell("a new standby in the north follows it")
    world.recovered(60, ["west", "north"])
    tell("the old primary is started again, with whatever it had; its authority too")
    world.one.start()
    east = world.authorities["east"]
    own = int(world.one.sql("SELECT size FROM log_state"))
    east.start()
    world.recovered(60, world.authorities)
    size = rig.wait_for("the log is served in the east", 20, lambda: world.look("east"))
    if size <= before:
        raise AssertionError(f"the east serves a log of {size}, the old primary's; the new one went on from {before}")
    expect(int(world.one.sql("SELECT size FROM log_state")), own, "what the old primary issued since")
    world.one.stop()
    world.one.follow(world.two)
    tell("made anew, it is one more standby")


def expect(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r}, where {wanted!r} was to be")


def nobody_denied(world):
    denied = [f"{one.name}: {what}" for one in world.machines for what in one.denied]
    expect(denied, [], "products that were denied, or ended")
    expect([problem for one in world.machines for problem in one.problems], [], "problems that an answer named")
    failed = {}
    for machine in world.machines:
        for key, times in machine.seen.items():
            failed[key] = failed.get(key, 0) + times
    return f"{sum(one.renewals for one in world.machines)} renewals; attempts that failed: {json.dumps(failed, sort_keys=True)}"


def all_in_log(world):
    tokens = {token.encode() for one in world.machines for token in one.tokens}
    for token in tokens:
        expect(world.log.holds(world.authorities["west"], token), True, "a document that a product was given is in the log")
    for region in world.authorities:
        world.look(region)
    return f"{len(tokens)} documents proved, {len(world.log.seen)} checkpoints of one log of {world.log.size}"


def seats_once(world):
    server = world.two if world.two.sql("SELECT pg_is_in_recovery()", check=False).strip() == "f" else world.one
    expect(server.sql("SELECT COUNT(*) FROM seats").strip(), "3", "seats taken by three machines")
    taken = server.sql("SELECT COUNT(*) FROM journal WHERE what = 'seat.take'").strip()
    expect(taken, "3", "times that a seat was taken")
    expect(server.sql("SELECT COUNT(*) FROM ledgers WHERE put_back IS NOT NULL").strip(), "0", "ledgers taken for a copy put back")
    return ""


def licensed_again(world):
    expect([one.name for one in world.machines if not one.licensed()], [], "machines that are not licensed in the end")
    return f"{len(world.machines)} machines, {sum(len(one.running) for one in world.machines)} products"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="what goes into a minute")
    arguments = parser.parse_args()
    phases = [
        ("everybody is licensed", begin),
        ("an authority is killed", an_authority),
        ("the standby is cut off", the_standby, 25),
        ("the primary is cut off", the_primary, 25),
        ("slow links", slowly, 10),
        ("a wrong clock", a_clock),
        ("a region is lost", the_region),
    ]
    if arguments.short:
        phases = [phases[0], ("the standby is cut off", the_standby, 4), phases[6]]
    name = "the drill of regions"
    _, why = rig.install_postgres()
    if not why and os.geteuid() != 0:
        why = "network namespaces are made by root alone"
    if not why and not (shutil.which("ip") and shutil.which("tc")):
        why = "ip and tc are not installed: apt-get install iproute2"
    if why:
        COUNTS.not_run(name, why)
        sys.exit(COUNTS.end())
    if not rig.program().exists():
        sys.exit(f"{rig.program()} is not there; build it by: scripts/authority.sh")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="reprieve-region-"))
    folder.chmod(0o755)
    world = None
    # A drill without a network of its own would be another drill.
    with contextlib.ExitStack() as stack:
        try:
            network = stack.enter_context(Network())
        except AssertionError as error:
            COUNTS.not_run(name, error)
            sys.exit(COUNTS.end())
        stack.callback(shutil.rmtree, folder, True)
        # From here on this process is in the customers' region.
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        enter(f"/var/run/netns/{network.space('shops')}")
        stack.callback(lambda: enter(here))
        try:
            world = World(folder, network)
            stack.callback(world.end)
            for what, work, *args in phases:
                COUNTS.run(what, work, world, *args)
            for what, work in [
                ("no product was denied", nobody_denied),
                ("no document is missing from the log, which is one", all_in_log),
                ("no seat is counted twice", seats_once),
                ("everybody is licensed again", licensed_again),
            ]:
                COUNTS.run(what, work, world)
            if COUNTS.failed and os.environ.get("REPRIEVE_TRACE"):
                for region, authority in world.authorities.items():
                    print(f"--- {region}\n{authority.said()}")
        finally:
            code = COUNTS.end()
    sys.exit(code)


def enter(where):
    """Puts this thread into a network namespace; threads and programs that it starts are there too."""
    import ctypes

    target = where if isinstance(where, int) else os.open(where, os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(target, 0x40000000):
        raise OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main()
