"""Features: the fast way to ask."""

import copy
import gc
import os
import pathlib
import pickle
import threading
from typing import Any, List

import pytest
import reprieve
from conftest import APP, DAY, HOUR, START, lease
from reprieve import Access, Clock, Decision, Drill, ExplainedDecision, Feature, Ledger, Reason, State


def test_a_feature_answers_as_its_client(drill: Drill) -> None:
    client = drill.client
    core = client.feature("cad", "core")
    assert (core.sku, core.name, repr(core)) == ("cad", "core", "<Feature cad/core>") and type(core) is Feature
    assert (client.allowed(core), core.allowed(), core.check().access) == (False, False, Access.DENIED)
    assert client.import_document(lease(drill)).accepted
    assert client.allowed(core) is True and core.allowed() is True
    d = core.check()
    assert type(d) is Decision and not hasattr(d, "explain")
    assert (d.sku, d.feature, d.access, d.state, d.reason, d.stage) == ("cad", "core", "full", "licensed", None, None)
    assert (d.clock, d.ledger, d.flags) == (Clock.OK, Ledger.OK, (False, False, True, False))
    assert (d.t_ns, d.until_ns, d.lease_end_ns) == tuple(s * 10**9 for s in (START, START + DAY, START + DAY))
    assert d.ends_ns == (START + 4 * DAY) * 10**9
    named = client.check("cad", "core")
    assert d == named and hash(d) == hash(named) and type(named) is ExplainedDecision and isinstance(named, Decision)
    assert (d.t, d.until, d.ends, d.lease_end) == (named.t, named.until, named.ends, named.lease_end)
    drill.advance(25 * HOUR)
    assert client.report("network")
    d = core.check()
    assert (d.access, d.state, d.reason, d.stage) == (Access.FULL, State.GRACE, Reason.NETWORK, 0)
    assert core.explain() == client.explain("cad", "core") and core.explain()["rule"] == "J1.7"
    drill.advance(8 * DAY)
    d = core.check()
    assert (d.access, d.stage, d.allowed) == ("limited", 1, True) and client.allowed(core)
    drill.advance(8 * DAY)
    assert (core.check().state, client.allowed(core)) == ("expired", False)


def test_a_decision_of_a_feature_is_a_value(drill: Drill) -> None:
    assert drill.client.import_document(lease(drill)).accepted
    core, render = drill.client.feature("cad", "core"), drill.client.feature("cad", "render")
    one = core.check()
    assert one == core.check() and one != render.check() and one != "full" and one != None  # noqa: E711
    assert len({one, core.check(), render.check()}) == 2
    for copied in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one), copy.copy(one)):
        assert type(copied) is Decision and copied == one and repr(copied) == repr(one) and copied.until == one.until
    assert repr(one) == "<Decision cad/core: full, licensed until 2026-01-05T00:00:00Z>"
    with pytest.raises(TypeError, match="allowed"):
        bool(one)
    for name in ("access", "anything"):
        with pytest.raises(AttributeError):
            setattr(one, name, 1)
    with pytest.raises(TypeError):
        Decision()
    with pytest.raises((ValueError, TypeError)):
        reprieve._reprieve._restore((("a", "b"), ("perhaps", None, None, "ok", "ok"), None, (0, None, None, None), (False,) * 4, None))


def test_what_is_no_feature(drill: Drill) -> None:
    client: Any = drill.client
    core = client.feature("cad", "core")
    for odd in (None, "core", client, core.check()):
        with pytest.raises(TypeError, match="client.feature"):
            client.allowed(odd)
    for call in (lambda: client.allowed(), lambda: client.allowed(core, core), lambda: reprieve.Client.allowed(core, core)):
        with pytest.raises(TypeError):
            call()
    with reprieve.open_toml(APP, in_memory=True) as other, pytest.raises(reprieve.ArgumentError, match="another client"):
        other.allowed(core)
    # Each `drill.client` is another handle on one client.
    assert drill.client.allowed(core) is False
    for sku, feature in (("", "core"), ("cad", "a b"), ("cad", "\ud800"), ("x" * 129, "core")):
        with pytest.raises(reprieve.ArgumentError):
            client.feature(sku, feature)
    with pytest.raises(TypeError):
        client.feature("cad", None)
    with pytest.raises(TypeError):
        Feature()
    with pytest.raises(TypeError):
        pickle.dumps(core)


def test_closed_is_unknown(drill: Drill) -> None:
    client = drill.client
    client.import_document(lease(drill))
    core = client.feature("cad", "core")
    assert client.allowed(core)
    client.close()
    d = core.check()
    assert (d.access, d.state, d.allowed) == (Access.UNKNOWN, None, False) and d.t_ns > 0
    assert client.allowed(core) is False and core.allowed() is False
    assert "closed" in (core.explain()["trouble"] or "")


def test_a_bug_is_unknown(drill: Drill) -> None:
    client = drill.new_client()
    client.import_document(lease(drill))
    core = client.feature("cad", "core")
    assert client.allowed(core)
    with pytest.raises(reprieve.InternalError):
        client._panic()
    assert client.allowed(core) is False and core.check().access == "unknown"
    assert "bug" in (core.explain()["trouble"] or "") and client.feature("cad", "core").check().state is None
    client.close()


def test_a_feature_keeps_its_ledger_open(tmp_path: pathlib.Path) -> None:
    core = reprieve.open_toml(APP, folder=tmp_path, witness=tmp_path / "w").feature("cad", "core")
    gc.collect()
    assert core.check().access == "denied"
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    del core
    gc.collect()
    if before:
        assert len(os.listdir("/proc/self/fd")) < before
    core = Drill('{"sku": "cad", "steps": []}').client.feature("cad", "core")
    gc.collect()
    assert core.check().flags.drill


def test_nothing_leaks(drill: Drill) -> None:
    client = drill.client
    core = client.feature("cad", "core")

    def frames(count: int) -> None:
        for _ in range(count):
            client.allowed(core)
            core.check().access
            core.check().t
            client.check("cad", "core").explain()

    resource = pytest.importorskip("resource")
    frames(2000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    frames(20000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096


def test_threads_ask_one_feature(drill: Drill) -> None:
    client = drill.client
    client.import_document(lease(drill))
    core = client.feature("cad", "core")
    wrong: List[object] = []

    def ask() -> None:
        for _ in range(5000):
            d = core.check()
            if d.access not in ("full", "unknown") or not client.allowed(core) and d.access == "full" and not stopped.is_set():
                wrong.append(d)

    stopped = threading.Event()
    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        client.report("network")
    stopped.set()
    client.close()
    for thread in threads:
        thread.join(60)
    assert not wrong and core.check().access == "unknown"
