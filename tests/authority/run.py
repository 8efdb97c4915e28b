#!/usr/bin/env python3
"""The authority against what goes wrong: databases that stop, are cut off, fill up or are of another release, instances that are killed, clocks and keys
that are wrong. Whatever happens, each document that anybody was given is in the log, the log never shrinks or forks, and the answer is "try again".

`run.py PART ...` runs some parts. AUTHORITY names the program, else it is the release in target/.
"""

import argparse
import contextlib
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "region"))

import rig  # noqa: E402

COUNTS = rig.Counts("the authority")


def expect(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r}, where {wanted!r} was to be")


def within(text, said, what):
    if text not in said:
        raise AssertionError(f"{what}: {text!r} is not in {said!r}")


class World:
    """A folder, and whatever was started in it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="reprieve-authority-"))
        self.folder.chmod(0o755)
        self.ends = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in reversed(self.ends):
            with contextlib.suppress(Exception):
                end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def later(self, end):
        self.ends.append(end)

    def pair(self):
        first, second = rig.pair(self.folder)
        self.later(first.stop)
        self.later(second.stop)
        return first, second

    def authority(self, urls, name="authority", *more):
        made = rig.Authority(self.folder / name)
        made.init(urls, None, *more)
        if urls[0].startswith("postgres"):
            # Shorter than it is by default, as tests wait for it again and again.
            text = made.config.read_text().replace("[keys]", 'patience = "2s"\n\n[keys]', 1)
            made.config.write_text(text)
        self.later(made.stop)
        return made

    def another(self, authority, name):
        made = authority.copy(self.folder / name)
        self.later(made.stop)
        return made

    def product(self, authority, name):
        made = rig.Product(authority, self.folder / name)
        self.later(made.close)
        return made


def renewed(product, authority, log, code=None):
    """A renewal that works, and whose documents are in the log."""
    answer, results = product.renew(authority.address, code)
    expect(answer.status, 200, answer.body)
    if not any(one.accepted and str(one.kind.value) == "lease" for one in results):
        raise AssertionError(f"no lease in {results}: {answer.body[:300]}")
    for token in rig.tokens_of(answer):
        expect(log.holds(authority, token), True, "the document is in the log")
    expect(product.access(), "full", "access")
    return answer


def again(product, authority, log, seconds=30):
    """Renewals go on within some seconds."""
    started = time.monotonic()

    def works():
        answer, _ = product.renew(authority.address)
        if answer.status == 200:
            return True
        expect(answer.status, 503, answer.body)
        within("Retry-After", str(answer.headers), "a 503 says when to try again")
        return False

    rig.wait_for("renewals go on", seconds, works, 0.2)
    renewed(product, authority, log)
    log.look(authority)
    return time.monotonic() - started


def refused_for_now(product, authority, log):
    """503, and the log as it was."""
    before = log.size
    answer, results = product.renew(authority.address)
    expect((answer.status, results), (503, []), answer.body)
    expect(product.access(), "full", "access while nothing is issued")
    seen = log.look(authority)
    if seen not in (None, before):
        raise AssertionError(f"a checkpoint of {seen} left, where {before} documents were confirmed")


# PostgreSQL


def standby_stops():
    with World() as world:
        first, second = world.pair()
        authority = world.authority([first.url(), second.url()])
        code = authority.licence()
        authority.start()
        log, product = authority.verifier(), world.product(authority, "a")
        renewed(product, authority, log, code)
        log.look(authority)
        second.stop()
        for _ in range(2):
            refused_for_now(product, authority, log)
        expect(authority.get("/readyz").status, 503, "/readyz")
        expect(authority.get("/livez").status, 200, "/livez")
        # The commits that wait are there when the server is started again, and no standby has them.
        first.kill()
        first.start()
        refused_for_now(product, authority, log)
        newcomer = world.another(authority, "newcomer")
        with contextlib.suppress(AssertionError):
            newcomer.start(wait=20)
            raise AssertionError("an instance started, though no standby confirms anything: its checkpoint would be one that may be lost")
        newcomer.stop()
        second.start()
        return f"renewals went on {again(product, authority, log):.1f} s after the standby was back; {log.size} documents, {log.proved} proved"


def failover():
    with World() as world:
        first, second = world.pair()
        proxies = [rig.Proxy(first.host, first.port), rig.Proxy(second.host, second.port)]
        urls = [first.url(proxies[0].port), second.url(proxies[1].port)]
        one = world.authority(urls)
        code = one.licence()
        two = world.another(one, "two")
        one.start()
        two.start()
        log, product = one.verifier(), world.product(one, "a")
        renewed(product, one, log, code)
        renewed(product, two, log)
        log.look(two)
        before = log.size
        # The primary is cut off from its standby and from instance `two`, but `one` still reaches it.
        second.stop()
        refused_for_now(product, one, log)
        first.kill()
        second.start()
        second.promote()
        # Nothing is issued before the new primary has a standby of its own.
        answer, _ = product.renew(two.address)
        expect(answer.status, 503, answer.body)
        third = rig.Server(world.folder, "three").follow(second)
        world.later(third.stop)
        second.require(third)
        took = again(product, two, log)
        if log.size <= before:
            raise AssertionError(f"the log has {log.size} documents, and had {before}")
        # The old primary is back, with commits that nobody else has. It is the first in the list.
        first.start()
        own = first.sql("SELECT size FROM log_state").strip()
        three = world.another(one, "fresh")
        three.start()
        for instance in (one, two, three):
            again(product, instance, log)
        answer = three.get("/log/checkpoint")
        size, _ = log.read(answer.body.decode())
        if size <= before:
            raise AssertionError("the old primary's checkpoint was served")
        expect(first.sql("SELECT size FROM log_state").strip(), own, "documents that were issued by the old primary")
        # An instance that reaches nobody but the old primary issues nothing and shows nothing.
        proxies[1].close()
        lost = world.another(one, "lost")
        with contextlib.suppress(AssertionError):
            lost.start(wait=12)
            raise AssertionError("an instance started with the old primary alone")
        lost.stop()
        answer = one.get("/log/checkpoint")
        expect(answer.status, 503, f"the old primary's checkpoint: {answer.body}")
        answer, _ = product.renew(one.address)
        expect(answer.status, 503, answer.body)
        # Made a standby of the new primary, it is one more server.
        first.stop()
        first.follow(second)
        return f"renewals went on {took:.1f} s after the new primary had a standby; the old one, with a log of {own}, was never used; {log.size} documents"


def commit_is_cut():
    with World() as world:
        first, second = world.pair()
        proxy = rig.Proxy(first.host, first.port)
        world.later(proxy.close)
        authority = world.authority([first.url(proxy.port), second.url()])
        code = authority.licence(seats=1)
        authority.start()
        log, product = authority.verifier(), world.product(authority, "a")
        said = []
        for number, where in enumerate(["sent", "answered", "before", "sent", "answered", "before"]):
            before = int(first.sql("SELECT size FROM log_state"))
            cuts, proxy.cut = proxy.cuts, where
            answer, results = product.renew(authority.address, code)
            expect((answer.status, results), (503, []), f"a commit that was cut ({where})")
            expect(proxy.cuts, cuts + 1, "the connection was cut")
            time.sleep(0.2)
            after = int(first.sql("SELECT size FROM log_state"))
            if where == "before":
                expect(after, before, "documents of a commit that never arrived")
            said.append(f"{where} {after - before:+d}")
            again(product, authority, log) if number else renewed(product, authority, log, code)
        taken = first.sql("SELECT COUNT(*) FROM seats WHERE license = 'L1'").strip()
        expect(taken, "1", "seats that one ledger took, however often its answer was lost")
        other = world.product(authority, "b")
        answer, _ = other.renew(authority.address, code)
        expect(answer.json()["problems"][0]["problem"], "seats_full", "the second machine")
        # The same in the other direction: everything hangs, and nothing is closed.
        proxy.hung.set()
        started = time.monotonic()
        answer, _ = product.renew(authority.address)
        expect(answer.status, 503, answer.body)
        hung = time.monotonic() - started
        if hung > 12:
            raise AssertionError(f"a database that hangs was answered after {hung:.0f} s")
        proxy.hung.clear()
        again(product, authority, log)
        return f"{', '.join(said)} documents; a hanging database was a 503 after {hung:.1f} s; {log.size} documents, {log.proved} proved"


def seats_are_counted_once():
    """Many machines ask three instances for a few seats at once."""
    with World() as world:
        first, second = world.pair()
        one = world.authority([first.url(), second.url()])
        code = one.licence(seats=5)
        instances = [one, world.another(one, "two"), world.another(one, "three")]
        for instance in instances:
            instance.start()
        log = one.verifier()
        products = [world.product(one, f"p{number}") for number in range(16)]
        outcomes, lock = [], threading.Lock()

        def ask(number):
            product = products[number]
            for turn in range(3):
                answer, _ = product.renew(instances[(number + turn) % 3].address, code)
                with lock:
                    outcomes.append((number, answer.status, answer))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        bad = [answer.body for _, status, answer in outcomes if status not in (200, 503)]
        expect(bad, [], "answers")
        expect(first.sql("SELECT COUNT(*) FROM seats").strip(), "5", "seats taken")
        licensed = [product for product in products if product.access() == "full"]
        expect(len(licensed), 5, "machines with a lease")
        for _, status, answer in outcomes:
            if status == 200:
                for token in rig.tokens_of(answer):
                    expect(log.holds(one, token), True, "the document is in the log")
        for instance in instances:
            log.look(instance)
        return f"16 machines, 3 instances, 5 seats; {log.size} documents, {log.proved} proved"


def sent_twice():
    """The same request again and again, at once and within a second, as hedging and proxies do: one lease, and nobody else's renewal suffers."""
    with World() as world:
        authority = world.authority(["sqlite:authority.db"])
        code = authority.licence()
        text = authority.config.read_text().replace("[database]", "per_ledger = 1000\n\n[database]", 1)
        authority.config.write_text(text)
        authority.start()
        log, product, other = authority.verifier(), world.product(authority, "a"), world.product(authority, "b")
        renewed(product, authority, log, code)
        renewed(other, authority, log, code)
        headers = {"Content-Type": "application/json"}
        statuses, leases, lock = [], set(), threading.Lock()

        def send(body):
            answer = rig.ask(authority.address, "POST", "/v1/renew", body, headers)
            with lock:
                statuses.append(answer.status)
                if answer.status == 200:
                    leases.update(rig.tokens_of(answer))

        for _ in range(10):
            body = product.client.request().body
            threads = [threading.Thread(target=send, args=(body,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            renewed(other, authority, log)
            for thread in threads:
                thread.join()
            send(body)
        expect(set(statuses), {200}, "answers to a request that was sent again")
        for token in leases:
            expect(log.holds(authority, token), True, "the document is in the log")
        log.look(authority)
        return f"{len(statuses)} requests of 10 bodies, {len(leases)} documents, {log.size} in the log"


def askers_gone():
    """Who has hung up by the time his turn comes gets no lease: in an overload, what nobody waits for would take the place of what somebody does."""
    import socket
    import sqlite3

    with World() as world:
        authority = world.authority(["sqlite:authority.db"])
        code = authority.licence(seats=20)
        authority.start()
        log = authority.verifier()
        products = [world.product(authority, f"p{number}") for number in range(9)]
        renewed(products[0], authority, log, code)
        before = log.look(authority)
        host, port = authority.address.rsplit("/", 1)[-1].rsplit(":", 1)
        with contextlib.closing(sqlite3.connect(authority.folder / "authority.db", isolation_level=None, timeout=10)) as other:
            other.execute("BEGIN IMMEDIATE")
            lines = []
            for product in products:
                # The first is in the batch that waits for the file, the others in the next.
                line = socket.create_connection((host, int(port)), timeout=20)
                body = product.client.request().body
                line.sendall(f"POST /v1/renew HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {code}\r\nContent-Type: application/json\r\n"
                             f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
                lines.append(line)
                time.sleep(0.3 if product is products[0] else 0)
            time.sleep(0.5)
            for line in lines[1:-1]:
                line.close()
            time.sleep(0.5)
            other.execute("COMMIT")
        for line in (lines[0], lines[-1]):
            expect(line.recv(15), b"HTTP/1.1 200 OK", "the answer to one who waits")
            line.close()
        after = log.look(authority)
        expect(after - before, 2, "documents for 9 askers, of whom 7 are gone")
        for product in products[1:-1]:
            renewed(product, authority, log, code)
        return "2 documents for 9 askers, of whom 7 are gone; those renew later"


def migration_race(postgres):
    with World() as world:
        if postgres:
            first, second = world.pair()
            urls = [first.url(), second.url()]
            sql = first.sql
        else:
            urls = ["sqlite:authority.db"]
        for turn in range(3):
            made = rig.Authority(world.folder / f"made{turn}")
            made.init(urls)
            if postgres:
                sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION reprieve")
            else:
                for left in made.folder.glob("authority.db*"):
                    left.unlink()
                # An empty file: what is there when an instance was stopped before its first migration.
                (made.folder / "authority.db").touch()
            commands = [["product", "new", f"p{number}", "--name", "P"] for number in range(4)]
            running = [subprocess.Popen([str(rig.program()), "--config", str(made.config), *command], stderr=subprocess.PIPE, text=True) for command in commands]
            errors = [one.communicate(timeout=120)[1] for one in running]
            expect([one.returncode for one in running], [0] * 4, f"four instances that start a migration at once: {errors}")
            if postgres:
                expect(sql("SELECT COUNT(*) FROM products").strip(), "4", "products")
                sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION reprieve")
        return "3 times 4 instances"


def newer_schema(postgres):
    with World() as world:
        if postgres:
            first, second = world.pair()
            authority = world.authority([first.url(), second.url()])
        else:
            authority = world.authority(["sqlite:authority.db"])
        text = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9000, 'newer', {}, {}, 0)"
        if postgres:
            first.sql(text.format("true", "'\\x00'"))
        else:
            sqlite(authority, text.format("1", "x'00'"))
        for command in (["serve"], ["product", "new", "x", "--name", "X"], ["log-key"]):
            done = authority.command(*command, check=False)
            expect(done.returncode, 2, f"{command[0]}: {done.stderr}")
            within("newer release", done.stderr, "the reason")
            within("Nothing was changed", done.stderr, "the reason")
        return ""


# SQLite


def sqlite(authority, text):
    import sqlite3

    with contextlib.closing(sqlite3.connect(authority.folder / "authority.db", timeout=10)) as connection:
        rows = connection.execute(text).fetchall()
        connection.commit()
        return rows


def full_disk():
    with World() as world:
        small = world.folder / "small"
        small.mkdir()
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)], check=False).returncode:
            raise LookupError("a tmpfs of 2 MB can be mounted by root alone")
        world.later(lambda: subprocess.run(["umount", "-l", str(small)], check=False))
        authority = world.authority([f"sqlite:{small}/authority.db"])
        code = authority.licence()
        authority.start()
        log = authority.verifier()
        products = [world.product(authority, f"p{number}") for number in range(8)]
        given, full = [], None
        for turn in range(400):
            answer, _ = products[turn % 8].renew(authority.address, code)
            if answer.status == 429:
                products[turn % 8] = world.product(authority, f"q{turn}")
                continue
            if answer.status != 200:
                full = answer
                break
            given.extend(rig.tokens_of(answer))
        if full is None:
            raise AssertionError(f"the disk never was full: {sorted((one.name, one.stat().st_size) for one in small.iterdir())}")
        expect(full.status, 503, full.body)
        within("full", full.body.decode(), "the reason")
        for token in given:
            expect(log.holds(authority, token), True, "the document is in the log")
        size = log.look(authority)
        for turn in range(5):
            answer, _ = products[turn % 8].renew(authority.address, code)
            if answer.status == 200:
                given.extend(rig.tokens_of(answer))
        subprocess.run(["mount", "-o", "remount,size=16m", str(small)], check=True)
        products.append(world.product(authority, "last"))
        renewed(products[-1], authority, log, code)
        authority.kill()
        authority.start()
        for token in given:
            expect(log.holds(authority, token), True, "the document is in the log")
        expect(sqlite_at(small / "authority.db", "PRAGMA integrity_check"), [("ok",)], "the file")
        return f"full at {size} documents, which are all in the log; renewals go on with more room"


def sqlite_at(path, text):
    import sqlite3

    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        return connection.execute(text).fetchall()


def killed(times):
    """SIGKILL under load: what any client was given is in the log."""
    with World() as world:
        authority = world.authority(["sqlite:authority.db"])
        text = authority.config.read_text().replace("[database]", "per_ledger = 100000\n\n[database]", 1)
        authority.config.write_text(text)
        code = authority.licence()
        log = authority.verifier()
        products = [world.product(authority, f"p{number}") for number in range(6)]
        given, wrong, lock, stop = [], [], threading.Lock(), threading.Event()
        lost = [0]

        def load(product):
            while not stop.is_set():
                try:
                    answer, results = product.renew(authority.address, code, timeout=10)
                except OSError:
                    lost[0] += 1
                    time.sleep(0.01)
                    continue
                except Exception as error:  # noqa: BLE001  (an answer that was cut off)
                    if type(error).__module__ != "http.client":
                        with lock:
                            wrong.append(f"{type(error).__name__}: {error}")
                        return
                    lost[0] += 1
                    continue
                with lock:
                    if answer.status == 200:
                        given.extend(rig.tokens_of(answer))
                        if any(not one.accepted and not one.known for one in results):
                            wrong.append(str(results))
                    elif answer.status != 503:
                        wrong.append(f"{answer.status} {answer.body[:200]}")

        random.seed(7)
        authority.start()
        threads = [threading.Thread(target=load, args=(product,), daemon=True) for product in products]
        for thread in threads:
            thread.start()
        try:
            for _ in range(times):
                time.sleep(random.uniform(0.2, 1.2))
                authority.kill()
                authority.start()
                log.look(authority)
        finally:
            stop.set()
        for thread in threads:
            thread.join(30)
        expect(wrong, [], "answers under load")
        log.look(authority)
        unique = set(given)
        for token in unique:
            expect(log.holds(authority, token), True, "the document is in the log")
        if len(unique) < 10:
            raise AssertionError(f"only {len(unique)} documents were given: no load")
        expect({product.access() for product in products}, {"full"}, "access")
        return f"{times} kills, {lost[0]} answers lost, {len(unique)} documents given and proved, a log of {log.size}, {len(log.seen)} checkpoints consistent"


# Input


def wrong_clock():
    with World() as world:
        first, second = world.pair()
        one = world.authority([first.url(), second.url()])
        code = one.licence()
        wrong = [world.another(one, name) for name in ("behind", "ahead")]
        for instance, offset in zip(wrong, (-7200, 7200)):
            instance.add(f"\n[clock]\noffset_seconds = {offset}\n")
        one.start()
        log, product = one.verifier(), world.product(one, "a")
        renewed(product, one, log, code)
        for instance in wrong:
            instance.start()
            before = log.look(one)
            answer, results = product.renew(instance.address)
            expect((answer.status, results), (503, []), answer.body)
            within("clock is", answer.body.decode(), "the reason")
            expect(instance.get("/readyz").status, 503, "/readyz")
            done = instance.command("product", "new", "late", "--name", "L", check=False)
            expect(done.returncode, 3, done.stderr)
            within("clock is", done.stderr, "the reason")
            expect(log.look(one), before, "documents")
            renewed(product, one, log)
        return "an instance two hours behind and one two hours ahead: 503 from them alone"


def wrong_files():
    with World() as world:
        good = world.authority(["sqlite:authority.db"])
        other = rig.Authority(world.folder / "other")
        other.init(["sqlite:authority.db"])
        number = [0]

        def said(change, code, *texts):
            number[0] += 1
            copy = good.copy(world.folder / f"copy{number[0]}")
            change(copy)
            state = "SELECT size, checkpoint FROM log_state"
            whole = (copy.folder / "authority.db").exists() and change is not no_database
            before = sqlite(copy, state) if whole else None
            done = copy.command("serve", check=False, timeout=30)
            expect(done.returncode, code, done.stderr)
            expect(done.stdout, "", "nothing is served")
            for text in texts:
                within(text, done.stderr, "the reason")
            if whole:
                expect(sqlite(copy, state), before, "the log")
            return done.stderr.strip()

        def root(copy):
            theirs = other.folder / "reprieve.toml"
            line = next(one for one in theirs.read_text().splitlines() if one.startswith("roots"))
            mine = copy.folder / "reprieve.toml"
            mine.write_text("\n".join(line if one.startswith("roots") else one for one in mine.read_text().splitlines()) + "\n")

        def another(copy):
            for left in copy.folder.glob("authority.db*"):
                left.unlink()
            for one in other.folder.glob("authority.db*"):
                shutil.copy(one, copy.folder / one.name)

        def no_database(copy):
            # Without its journal, from which SQLite would make the file anew.
            for left in copy.folder.glob("authority.db-*"):
                left.unlink()
            (copy.folder / "authority.db").write_bytes(b"this is no database" * 100)

        said(root, 2, "not signed by its `roots`", "products would trust nothing")
        said(lambda copy: shutil.copy(other.folder / "reprieve.toml", copy.folder / "reprieve.toml"), 2, "lease-1", "products would trust no lease")
        said(lambda copy: (copy.folder / "keys/lease-1.pem").unlink(), 2, "lease-1.pem", "No such file")
        said(lambda copy: (copy.folder / "keys/log-1.pem").unlink(), 2, "log-1.pem", "No such file")
        said(lambda copy: (copy.folder / "keys/passphrase").write_text("another one\n"), 2, "does not open by this passphrase")
        said(lambda copy: (copy.folder / "keys/passphrase").unlink(), 2, "passphrase")
        said(lambda copy: shutil.copy(other.folder / "keys/lease-1.pem", copy.folder / "keys/lease-1.pem"), 2, "does not open by this passphrase")
        said(lambda copy: (copy.folder / "authority.db").unlink(), 2, "there is no file", "init")
        said(no_database, 3, "file is not a database")
        said(lambda copy: (copy.folder / "reprieve.toml").write_text("vendor = 3\n"), 2, "reprieve.toml")
        said(lambda copy: copy.add("\n[surplus]\n"), 2, "authority.toml", "surplus")
        said(lambda copy: copy.config.unlink(), 2, "authority.toml", "init")
        # Another folder's database: its log was signed by another key, and its newest keys name other ones.
        said(another, 2, "another authority's", "log-1")
        return f"{number[0]} ways"


PARTS = ("files", "newer", "race", "twice", "gone", "full", "killed", "standby", "failover", "commit", "seats", "clock")


def run(parts):
    def part(name, what, work, *args):
        if parts and name not in parts:
            return
        try:
            COUNTS.run(what, work, *args)
        except LookupError as error:
            COUNTS.not_run(what, error)

    part("files", "keys, passphrases, files and a root key that are wrong", wrong_files)
    part("newer", "a newer schema is refused: SQLite", newer_schema, False)
    part("race", "instances that start a migration at once: SQLite", migration_race, False)
    part("twice", "a request that is sent twice", sent_twice)
    part("gone", "askers that have hung up", askers_gone)
    part("full", "a full disk", full_disk)
    part("killed", "an authority on SQLite, killed under load", killed, 40 if os.environ.get("REPRIEVE_SOAK") else 8)
    _, why = rig.install_postgres()
    for name, what, work, *args in [
        ("standby", "the standby stops: 503, and nothing leaves", standby_stops),
        ("failover", "the primary is killed, its standby promoted, and the old one is back", failover),
        ("commit", "the connection is cut in the middle of a commit", commit_is_cut),
        ("seats", "no seat is counted twice", seats_are_counted_once),
        ("newer", "a newer schema is refused: PostgreSQL", newer_schema, True),
        ("race", "instances that start a migration at once: PostgreSQL", migration_race, True),
        ("clock", "a wrong clock", wrong_clock),
    ]:
        if parts and name not in parts:
            continue
        if why:
            COUNTS.not_run(what, why)
        else:
            part(name, what, work, *args)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]}: {', '.join(PARTS)}")
    if not rig.program().exists():
        sys.exit(f"{rig.program()} is not there; build it by: scripts/authority.sh")
    run(arguments.parts)
    sys.exit(COUNTS.end())


if __name__ == "__main__":
    main()
