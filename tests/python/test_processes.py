"""Threads and processes on one ledger."""

import multiprocessing
import os
import pathlib
import subprocess
import sys
import threading
import time
from typing import Any, Callable, List, Literal, Tuple

import pytest
import reprieve
from conftest import APP, DAY, POLICY, lease
from reprieve import Drill

THREADS = 8
PROCESSES = 3
DOCUMENTS = 20


def in_threads(count: int, work: Callable[[int], None]) -> None:
    errors: List[BaseException] = []

    def guarded(at: int) -> None:
        try:
            work(at)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(at,)) for at in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def test_threads_share_a_client(tmp_path: pathlib.Path) -> None:
    with Drill.create(tmp_path / "drill", POLICY) as drill:
        client = drill.client
        assert client.next_event("threads") is None
        tokens = [[lease(drill, "L{}-{}".format(at, n)) for n in range(5)] for at in range(THREADS)]

        def work(at: int) -> None:
            for token in tokens[at]:
                assert client.import_document(token).accepted
                for _ in range(200):
                    assert client.check("cad", "core").allowed
                client.report("network")
                client.status("cad")
                client.diagnostics()
                client.head()

        in_threads(THREADS, work)
        events = [event for event in client.events("threads") if event.kind == "document_accepted"]
        assert sorted(str(event.license) for event in events) == sorted(
            "L{}-{}".format(at, n) for at in range(THREADS) for n in range(5)
        )


def test_threads_with_a_client_each(drill: Drill) -> None:
    token = lease(drill)
    accepted = []

    def work(at: int) -> None:
        with drill.new_client() as client:
            answer = client.import_document(token)
            assert answer.accepted
            accepted.append(answer.known)
            assert client.check("cad", "core").allowed

    in_threads(THREADS, work)
    assert accepted.count(False) == 1


def test_a_drill_is_used_from_threads(drill: Drill) -> None:
    in_threads(THREADS, lambda at: drill.advance(1))
    assert drill.now_ns == (1767225600 + THREADS) * 10**9


def test_closing_while_others_call(tmp_path: pathlib.Path) -> None:
    for _ in range(10):
        client = reprieve.open_toml(APP, in_memory=True)

        def work(at: int) -> None:
            if at == 0:
                client.close()
                return
            for _ in range(50):
                assert client.check("cad", "core").access in ("denied", "unknown")
                try:
                    client.upkeep()
                except reprieve.ClosedError:
                    pass

        in_threads(THREADS, work)


def test_who_waits_for_the_lock_lets_others_run(tmp_path: pathlib.Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    with reprieve.open_toml(APP, folder=tmp_path, witness=tmp_path / "w", lock_timeout=1.0) as client:
        held = [os.open(path, os.O_RDWR) for path in tmp_path.iterdir() if path.name.endswith(".lock")]
        for descriptor in held:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        began = threading.Event()
        outcome = []

        def wait() -> None:
            began.set()
            try:
                client.report("network")
            except reprieve.BusyError:
                outcome.append("busy")

        waiting = threading.Thread(target=wait)
        waiting.start()
        began.wait()
        turns, until = 0, time.monotonic() + 0.4
        while time.monotonic() < until:
            turns += 1
            time.sleep(0.001)
        assert waiting.is_alive() and turns > 50
        waiting.join(10)
        assert outcome == ["busy"]
        for descriptor in held:
            os.close(descriptor)


def in_child(work: Callable[[], None]) -> int:
    """Runs it in a forked child, and gives its exit code."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:
            os.write(2, repr(error).encode())
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork(drill: Drill) -> None:
    client = drill.client
    assert client.import_document(lease(drill)).accepted
    assert client.check("cad", "core").allowed
    token = lease(drill, "L2", ttl=2 * DAY)
    folder = drill.folder

    def child() -> None:
        assert client.check("cad", "core").allowed
        assert client.import_document(token).accepted
        assert client.check("cad", "core").license == "L2" or client.check("cad", "core").allowed
        client.upkeep()
        client.close()
        drill.close()
        assert folder.is_dir()

    for _ in range(3):
        assert in_child(child) == 0
    # The parent goes on, and sees what the child imported.
    assert client.import_document(token).known
    assert client.check("cad", "core").allowed and not client.check("cad", "nothing").allowed
    assert client.report("server") and client.status("cad").ledger == "ok"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_on_the_real_clock(tmp_path: pathlib.Path) -> None:
    with Drill.create(tmp_path / "drill", POLICY) as drill:
        client = drill.client
        tokens = [lease(drill, "L{}".format(n)) for n in range(4)]
        assert client.import_document(tokens[0]).accepted

        def child() -> None:
            for token in tokens:
                assert client.import_document(token).accepted
            assert client.check("cad", "core").allowed

        assert in_child(child) == 0
        assert all(client.import_document(token).known for token in tokens)
        assert client.check("cad", "core").allowed and client.status("cad").ledger == "ok"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("upkeep", ["in_checks", "own"])
def test_fork_with_a_feature(tmp_path: pathlib.Path, upkeep: Literal["in_checks", "own"]) -> None:
    """A child goes on with the features that it inherited, sees what the parent records, and shows the parent what it records."""
    with Drill.create(tmp_path / "drill", POLICY) as drill:
        client = drill.new_client(upkeep=upkeep)
        core, extra = client.feature("cad", "core"), client.feature("cad", "extra")
        assert client.allowed(core) is False
        token, newer = lease(drill), lease(drill, "L2", features={"extra": drill.now_ns // 10**9 + DAY})
        told, tell = os.pipe()

        def child() -> None:
            assert core.check().access == "denied" and extra.check().access == "denied"
            assert client.import_document(token).accepted
            assert client.allowed(core) and core.allowed() and core.check().state == "licensed"
            assert client.feature("cad", "render").allowed()
            assert os.read(told, 1) == b"x"
            until = time.monotonic() + 30
            while not client.allowed(extra) and time.monotonic() < until:
                client.upkeep()
            assert client.allowed(extra) and extra.explain()["license"] == "L2"
            client.close()
            assert core.check().access == "unknown" and client.allowed(core) is False

        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                child()
                code = 0
            except BaseException as error:
                os.write(2, repr(error).encode())
            finally:
                os._exit(code)
        until = time.monotonic() + 30
        while not client.allowed(core) and time.monotonic() < until:
            client.upkeep()
        assert client.allowed(core)
        assert client.import_document(newer).accepted
        os.write(tell, b"x")
        assert os.waitpid(pid, 0)[1] == 0
        assert client.allowed(core) and client.allowed(extra) and client.status("cad").ledger == "ok"


def test_another_process_is_seen_by_a_feature(tmp_path: pathlib.Path) -> None:
    """Nobody calls anything but the fast check."""
    folder = tmp_path / "drill"
    with Drill.create(folder, POLICY) as drill:
        client = drill.client
        core = client.feature("cad", "core")
        assert client.allowed(core) is False
        code = (
            "import sys, reprieve\n"
            "with reprieve.Drill.open(sys.argv[1]) as drill:\n"
            "    assert drill.client.import_document(sys.argv[2]).accepted\n"
        )
        subprocess.run([sys.executable, "-c", code, str(folder), lease(drill).decode()], check=True)
        until = time.monotonic() + 10
        while not client.allowed(core) and time.monotonic() < until:
            time.sleep(0.001)
        assert client.allowed(core)


def product(folder: str, at: int, start: Any, answers: Any) -> None:
    """One of several products on a ledger, in a process of its own."""
    try:
        with Drill.open(folder) as drill:
            client = drill.client
            client.next_event("product-{}".format(at))
            core = client.feature("cad", "core")
            start.wait()
            for n in range(DOCUMENTS):
                answer = client.import_document(lease(drill, "L{}-{}".format(at, n)))
                assert answer.accepted, answer
                assert client.check("cad", "core").allowed and client.allowed(core)
                client.report("network" if n % 2 else "server")
            start.wait()
            client.upkeep()
            seen = [e.license for e in client.events("product-{}".format(at)) if e.kind == "document_accepted"]
            d = client.check("cad", "core")
            answers.put((at, client.ledger_id, sorted(map(str, seen)), str(d.access), str(d.state), d.license, d.until_ns))
    except BaseException as error:
        answers.put((at, repr(error)))
        start.abort()
        raise


@pytest.mark.parametrize("method", [m for m in ("spawn", "fork", "forkserver") if m in multiprocessing.get_all_start_methods()])
def test_processes(tmp_path: pathlib.Path, method: str) -> None:
    folder = tmp_path / "drill"
    context: Any = multiprocessing.get_context(method)
    with Drill.create(folder, POLICY) as drill:
        start, answers = context.Barrier(PROCESSES, timeout=120), context.Queue()
        processes = [context.Process(target=product, args=(str(folder), at, start, answers)) for at in range(PROCESSES)]
        for process in processes:
            process.start()
        got: List[Tuple[Any, ...]] = sorted(answers.get(timeout=120) for _ in processes)
        for process in processes:
            process.join(60)
            assert process.exitcode == 0
        answers.close()
        answers.join_thread()
        every = sorted("L{}-{}".format(at, n) for at in range(PROCESSES) for n in range(DOCUMENTS))
        for answer in got:
            assert answer[1] == drill.client.ledger_id
            assert answer[2] == every
            assert answer[3:] == got[0][3:]
        status = drill.client.status("cad")
        assert status.ledger == "ok" and status.clock == "ok" and status.unproven == 0
        assert all(d.allowed for d in status.features)
