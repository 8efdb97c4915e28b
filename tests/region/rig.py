"""What the tests of the authority and the drill of the regions are made of: real PostgreSQL servers, real authorities, real clients.

Nothing here is a stand-in: servers are made by initdb and pg_basebackup in a temporary folder and run as `nobody`, authorities are the built program,
and a client is the Python package. Where a part runs in a network namespace its `inside` is the command that enters it.
"""

import base64
import contextlib
import glob
import hashlib
import http.client
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import subprocess
import threading
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import reprieve

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATABASE = "reprieve"


def target():
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def program():
    """The authority's program: the release, or what AUTHORITY names."""
    named = os.environ.get("AUTHORITY")
    return pathlib.Path(named) if named else target() / "release" / "reprieve-authority"


def postgres():
    """The folder of PostgreSQL's programs, or None."""
    for folder in sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]), reverse=True):
        if os.path.exists(os.path.join(folder, "initdb")):
            return pathlib.Path(folder)
    found = shutil.which("initdb")
    return pathlib.Path(found).resolve().parent if found else None


def install_postgres():
    """PostgreSQL's programs, and what makes namespaces, installed where that is possible; None and why where PostgreSQL is not to be had."""
    missing = [package for package, there in (("postgresql", postgres()), ("iproute2", shutil.which("ip"))) if not there]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        # The package would start a server of its own, which nobody here wants.
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], env=env, check=False, **quiet)
    if postgres() is None:
        return None, "PostgreSQL is not installed: apt-get install postgresql"
    if os.geteuid() != 0:
        return None, "PostgreSQL's servers are started as `nobody`, which root alone may do"
    return postgres(), None


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(what, seconds, ask, every=0.05):
    """Asks until there is something; else says what did not happen."""
    end = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(every)


NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


class Server:
    """A server of PostgreSQL's."""

    def __init__(self, folder, name, host="127.0.0.1", port=None, inside=()):
        self.folder = pathlib.Path(folder) / f"postgres-{name}"
        self.name, self.host, self.port, self.inside = name, host, port or free_port(), list(inside)
        self.data = self.folder / "data"

    def url(self, port=None):
        return f"postgres://reprieve@{self.host}:{port or self.port}/{DATABASE}"

    def run(self, program, *args, check=True, inside=True, **more):
        command = [*(self.inside if inside else []), *NOBODY, str(postgres() / program), *args]
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.STDOUT)
        done = subprocess.run(command, cwd="/", text=True, check=False, **more)
        if check and done.returncode:
            log = self.folder / "log"
            said = done.stdout or (log.read_text(errors="replace")[-1500:] if log.exists() else "")
            raise AssertionError(f"{program} of {self.name}: {said}")
        return done.stdout

    def _folder(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(self.folder, "nobody", "nogroup")

    def _settings(self):
        # Small and quick to start; durable as it is by default.
        settings = {
            "listen_addresses": f"'{self.host}'",
            "port": self.port,
            "unix_socket_directories": f"'{self.folder}'",
            "cluster_name": f"'{self.name}'",
            "shared_buffers": "'64MB'",
            "max_connections": 60,
            "wal_keep_size": "'64MB'",
            "wal_log_hints": "on",
            "wal_receiver_timeout": "'5s'",
            "wal_sender_timeout": "'5s'",
            "log_line_prefix": "'%m '",
        }
        text = "".join(f"{key} = {value}\n" for key, value in settings.items())
        (self.data / "rig.conf").write_text(text)
        shutil.chown(self.data / "rig.conf", "nobody", "nogroup")

    def create(self):
        """A new primary, with a role and an empty database; it names no standby yet."""
        self._folder()
        self.run("initdb", "-D", str(self.data), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-N", "--no-instructions", inside=False)
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write("include 'rig.conf'\n")
        with open(self.data / "pg_hba.conf", "a", encoding="utf-8") as hba:
            hba.write("host all,replication all 10.0.0.0/8 trust\n")
        self._settings()
        self.start()
        self.sql("CREATE ROLE reprieve LOGIN", "postgres")
        self.sql(f"CREATE DATABASE {DATABASE} OWNER reprieve", "postgres")
        return self

    def follow(self, primary):
        """A new standby of a primary."""
        self._folder()
        shutil.rmtree(self.data, ignore_errors=True)
        self.run(
            "pg_basebackup", "-D", str(self.data), "-R", "-X", "stream", "-c", "fast", "-N",
            "-d", f"host={primary.host} port={primary.port} user=postgres application_name={self.name}",
        )  # fmt: skip
        self._settings()
        self.start()
        return self

    def require(self, standby):
        """From now on nothing is committed that this standby has not."""
        self.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{standby.name if standby else ''}'", "postgres")
        self.sql("SELECT pg_reload_conf()", "postgres")
        if standby:
            self.streams(standby)

    def streams(self, standby, seconds=20):
        ask = f"SELECT 1 FROM pg_stat_replication WHERE application_name = '{standby.name}' AND sync_state = 'sync' AND state = 'streaming'"
        wait_for(f"{standby.name} follows {self.name}", seconds, lambda: self.sql(ask, "postgres", check=False).strip() == "1")

    def start(self):
        with open(self.folder / "log", "a", encoding="utf-8") as log:
            log.write("")
        shutil.chown(self.folder / "log", "nobody", "nogroup")
        self.run("pg_ctl", "start", "-w", "-t", "30", "-D", str(self.data), "-l", str(self.folder / "log"), stdout=subprocess.DEVNULL)

    def pid(self):
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            return int((self.data / "postmaster.pid").read_text().splitlines()[0])
        return None

    def stop(self):
        if self.pid():
            self.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.data), check=False)

    def kill(self):
        """As a machine that goes dark: the postmaster and all that it started, at once."""
        pid = self.pid()
        if pid is None:
            return
        ours = [pid]
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(OSError, ValueError):
                    text = pathlib.Path("/proc", entry, "stat").read_text(encoding="utf-8")
                    if int(text.rsplit(")", 1)[1].split()[1]) == pid:
                        ours.append(int(entry))
        for one in ours:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        wait_for(f"{self.name} is dead", 10, lambda: not any(alive(one) for one in ours))
        # A process that nobody has waited for would be taken for a server that runs.
        for left in [self.data / "postmaster.pid", *self.folder.glob(".s.PGSQL.*")]:
            left.unlink(missing_ok=True)

    def promote(self):
        self.run("pg_ctl", "promote", "-w", "-D", str(self.data))

    def sql(self, text, database=DATABASE, check=True):
        return self.run("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-d", database, "-c", text,
                        inside=False, check=check)  # fmt: skip


def alive(pid):
    """Whether a process runs: one that has ended and that nobody has waited for does not."""
    try:
        return pathlib.Path("/proc", str(pid), "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def pair(folder, **more):
    """A primary, and a standby that it waits for."""
    first = Server(folder, "one", **more).create()
    second = Server(folder, "two", **more).follow(first)
    first.require(second)
    return first, second


class Answer:
    """What an HTTP server said."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def ask(address, method, path, body=None, headers=None, timeout=30):
    """One request. Raises OSError or HTTPException where no whole answer came."""
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


class Authority:
    """The folder of an authority, and the process that serves it."""

    def __init__(self, folder, host="127.0.0.1", port=None, inside=()):
        self.folder = pathlib.Path(folder)
        self.host, self.port, self.inside = host, port or free_port(), list(inside)
        self.process, self.lines = None, queue.Queue()

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    @property
    def config(self):
        return self.folder / "authority.toml"

    def init(self, databases, url=None, *more, check=True):
        return self.command(
            "init", str(self.folder), "--vendor", "acme", "--url", url or f"http://{self.address}", "--listen", self.address,
            *[word for database in databases for word in ("--database", database)], *more, check=check, configured=False,
        )  # fmt: skip

    def copy(self, folder, host="127.0.0.1", port=None, inside=()):
        """Another instance of the same authority: its keys, another address."""
        other = Authority(folder, host, port, inside)
        shutil.copytree(self.folder, other.folder)
        other.change(("listen", json.dumps(self.address)), ("listen", json.dumps(other.address)))
        return other

    def change(self, old, new):
        """Changes a setting: what stands there, and what is to."""
        line = lambda pair: f"{pair[0]} = {pair[1]}"  # noqa: E731
        text = self.config.read_text()
        assert line(old) in text, f"{line(old)} is not in {text}"
        self.config.write_text(text.replace(line(old), line(new)))

    def add(self, text):
        with open(self.config, "a", encoding="utf-8") as config:
            config.write(text)

    def command(self, *args, check=True, configured=True, timeout=120):
        command = [*self.inside, str(program()), *(["--config", str(self.config)] if configured else []), *args]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=timeout)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(args)}: {done.returncode}: {done.stderr}")
        return done

    def licence(self, license="L1", seats=1000, feature="core"):
        """A product and a licence of it; gives the activation code."""
        self.command("product", "new", "cad", "--name", "CAD", check=False)
        args = ("--sku", "cad", "--customer", "A customer", "--feature", feature, "--seats", str(seats))
        return self.command("license", "new", license, *args).stdout.strip()

    def start(self, wait=30):
        command = [*self.inside, str(program()), "--config", str(self.config), "serve"]
        log = open(self.folder / "log", "ab")  # noqa: SIM115
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        log.close()
        self.lines = queue.Queue()
        threading.Thread(target=self._read, args=(self.process, self.lines), daemon=True).start()
        if wait:
            try:
                line = self.lines.get(timeout=wait)
            except queue.Empty:
                raise AssertionError(f"{self.folder.name} does not listen: {self.said()}") from None
            if line is None:
                raise AssertionError(f"{self.folder.name} ended with {self.process.wait()}: {self.said()}")
        return self

    @staticmethod
    def _read(process, lines):
        for line in process.stdout:
            lines.put(line.decode().strip())
        lines.put(None)

    def said(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "log").read_text(errors="replace")[-2000:]
        return ""

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(how)
            self.process.wait(30)
            self.process.stdout.close()
            self.process = None

    def kill(self):
        self.stop(signal.SIGKILL)

    def get(self, path, **more):
        return ask(self.address, "GET", path, **more)

    def verifier(self):
        return Log(self.command("log-key").stdout.strip())


class Product:
    """A product on a machine of its own, by the Python package: it renews by hand, so that a test sees each step."""

    def __init__(self, authority, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.client = reprieve.open(authority.folder / "reprieve.toml", folder=self.folder / "ledger", witness=self.folder / "witness")

    def renew(self, address, code=None, timeout=30):
        """Asks once. Gives the answer, and what the client said of each document."""
        headers = {"Content-Type": "application/json"}
        if code:
            headers["Authorization"] = f"Bearer {code}"
        answer = ask(address, "POST", "/v1/renew", self.client.request().body, headers, timeout)
        results = self.client.renew(answer.body) if answer.status == 200 else []
        return answer, results

    def access(self):
        return self.client.check("cad", "core").access

    def lease_end(self):
        return self.client.check("cad", "core").lease_end

    def close(self):
        self.client.close()


# The log, by another hand than the authority's: RFC 6962, and C2SP's signed notes.


def leaf_hash(token):
    return hashlib.sha256(b"\0" + token).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_by_inclusion(leaf, index, size, path):
    """RFC 9162, 2.1.3.2."""
    if index >= size:
        raise AssertionError(f"leaf {index} is not in a log of {size}")
    at, last, root = index, size - 1, leaf
    for node in path:
        if last == 0:
            raise AssertionError("the proof is too long")
        if at & 1 or at == last:
            root = node_hash(node, root)
            while at & 1 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, node)
        at, last = at >> 1, last >> 1
    if last:
        raise AssertionError("the proof is too short")
    return root


def verify_consistency(old, new, old_root, new_root, path):
    """RFC 9162, 2.1.4.2."""
    if old == new:
        if path or old_root != new_root:
            raise AssertionError(f"two roots of one size {old}")
        return
    if old == 0:
        return
    path = list(path)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for node in path[1:]:
        if last == 0:
            raise AssertionError("the proof is too long")
        if at & 1 or at == last:
            first, second = node_hash(node, first), node_hash(node, second)
            while at & 1 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, node)
        at, last = at >> 1, last >> 1
    if last or first != old_root or second != new_root:
        raise AssertionError(f"the log of {new} does not go on from that of {old}")


class Log:
    """Everything that was ever seen of a log: it never shrinks, forks, or lacks what was handed out."""

    def __init__(self, vkey):
        self.name, key_hash, key = vkey.split("+", 2)
        key = base64.b64decode(key)
        assert key[0] == 1 and hashlib.sha256(self.name.encode() + b"\n" + key).digest()[:4].hex() == key_hash, vkey
        self.id, self.key = bytes.fromhex(key_hash), Ed25519PublicKey.from_public_bytes(key[1:])
        self.seen = {}
        self.size = 0
        self.proved = 0
        self.lock = threading.Lock()

    def read(self, note):
        """Size and root of a checkpoint whose signature holds."""
        text, _, signatures = note.partition("\n\n")
        text += "\n"
        origin, size, root = text.splitlines()[:3]
        assert origin == self.name, origin
        for line in signatures.splitlines():
            _, name, blob = line.split(" ")
            blob = base64.b64decode(blob)
            if name == self.name and blob[:4] == self.id:
                try:
                    self.key.verify(blob[4:], text.encode())
                except InvalidSignature:
                    raise AssertionError(f"the checkpoint's signature does not hold: {note}") from None
                return int(size), base64.b64decode(root)
        raise AssertionError(f"the log has not signed: {note}")

    def look(self, authority, timeout=30):
        """The newest checkpoint, which goes on from all that were seen. None while there is none to be had."""
        answer = authority.get("/log/checkpoint", timeout=timeout)
        if answer.status == 503:
            return None
        assert answer.status == 200, answer.body
        size, root = self.read(answer.body.decode())
        with self.lock:
            known = self.seen.setdefault(size, root)
            assert known == root, f"the log has forked: two roots of size {size}"
            older = [one for one in self.seen if one < size]
            before = max(older, default=0)
            assert size >= self.size, f"the log has shrunk from {self.size} to {size}"
            self.size = size
        if before:
            answer = authority.get(f"/log/consistency?old={before}&new={size}", timeout=timeout)
            if answer.status == 503:
                return size
            path = [base64.b64decode(one) for one in answer.json()["path"]]
            verify_consistency(before, size, self.seen[before], root, path)
        return size

    def holds(self, authority, token, timeout=30):
        """Whether a token is in the log: its proof leads to a root that the log signed."""
        answer = authority.get(f"/log/proof/{hashlib.sha256(token).hexdigest()}", timeout=timeout)
        if answer.status == 404:
            return False
        proof = answer.json()
        assert answer.status == 200, proof
        size, root = self.read(proof["checkpoint"])
        assert size == proof["size"], proof
        path = [base64.b64decode(one) for one in proof["path"]]
        assert root_by_inclusion(leaf_hash(token), proof["index"], size, path) == root, f"the proof of leaf {proof['index']} leads to another root"
        with self.lock:
            assert self.seen.setdefault(size, root) == root, f"the log has forked: two roots of size {size}"
            self.size = max(self.size, size)
            self.proved += 1
        return True


def tokens_of(answer):
    """The tokens of a renewal's answer."""
    return [one.encode() for one in answer.json()["documents"] if isinstance(one, str)]


class Proxy:
    """Passes bytes between an authority and a database, and does to them what networks do."""

    def __init__(self, host, port):
        self.to = (host, port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.cut = None  # "sent": at a COMMIT that has gone out; "answered": at its answer, which is kept back; "before": at a COMMIT, which is kept back
        self.cuts = 0
        self.hung = threading.Event()  # while it is set, nothing passes and nothing is closed
        self.pairs = []
        self.closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.closed:
            try:
                inner, _ = self.listener.accept()
            except OSError:
                return
            try:
                outer = socket.create_connection(self.to, timeout=5)
            except OSError:
                inner.close()
                continue
            outer.settimeout(None)
            both = (inner, outer, {"commit": False})
            self.pairs.append(both)
            for source, to in ((inner, outer), (outer, inner)):
                threading.Thread(target=self._pump, args=(source, to, source is inner, both), daemon=True).start()

    def _pump(self, source, to, up, both):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while self.hung.is_set() and not self.closed:
                    time.sleep(0.02)
                # A COMMIT goes out as a simple query: Q, its length, the text, a zero.
                if up and b"COMMIT\0" in data and data[:1] == b"Q":
                    both[2]["commit"] = True
                    if self.cut == "before":
                        break
                    if self.cut == "sent":
                        to.sendall(data)
                        break
                elif not up and self.cut == "answered" and both[2]["commit"]:
                    break
                elif not up:
                    both[2]["commit"] = False
                to.sendall(data)
            else:
                data = b""
            if data:
                self.cut = None
                self.cuts += 1
        for one in both[:2]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self):
        self.closed = True
        self.listener.close()
        for inner, outer, _ in self.pairs:
            for one in (inner, outer):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


class Counts:
    """The verdicts of a run, and its last line."""

    def __init__(self, name):
        self.name, self.passed, self.failed, self.lacking = name, 0, 0, 0

    def run(self, what, work, *args):
        started = time.monotonic()
        try:
            said = work(*args)
        except LookupError as error:
            return self.not_run(what, error)
        except Exception as error:  # noqa: BLE001
            self.failed += 1
            print(f"FAILED {what}: {type(error).__name__}: {error}", flush=True)
            if os.environ.get("REPRIEVE_TRACE"):
                import traceback

                traceback.print_exc()
            return None
        self.passed += 1
        print(f"ok {what}{': ' + said if said else ''} ({time.monotonic() - started:.1f} s)", flush=True)
        return None

    def not_run(self, what, why):
        self.lacking += 1
        print(f"not run: {what}: {why}", flush=True)

    def end(self):
        print(f"{self.name}: {self.passed} passed, {self.failed} failed, {self.lacking} not run")
        return 1 if self.failed else 0
