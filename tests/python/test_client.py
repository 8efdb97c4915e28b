"""Every word of the client."""

import copy
import gc
import json
import os
import pathlib
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, List

import pytest
import reprieve
from conftest import APP, DAY, HOUR, START, lease
from reprieve import Access, Clock, Document, Drill, EventKind, Ledger, Outage, Reason, Refusal, State


def at(seconds: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)


# ---- decisions ----


def test_a_decision_says_all(drill: Drill) -> None:
    client = drill.client
    assert client.import_document(lease(drill)).accepted
    d = client.check("cad", "core")
    assert (d.sku, d.feature, d.license) == ("cad", "core", "L1")
    assert (d.access, d.state, d.reason, d.allowed) == (Access.FULL, State.LICENSED, None, True)
    assert (d.clock, d.ledger) == (Clock.OK, Ledger.OK)
    assert (d.t, d.t_ns) == (at(0), START * 10**9)
    assert (d.lease_end, d.lease_end_ns) == (at(DAY), (START + DAY) * 10**9)
    assert d.until == at(DAY) and d.ends == at(4 * DAY) and d.ends_ns == (START + 4 * DAY) * 10**9
    assert d.flags == (False, False, True, False) and d.flags.drill and not d.flags.in_memory
    assert d.t.tzinfo is timezone.utc
    drill.advance(timedelta(days=1, hours=1))
    assert client.report(Outage.NETWORK) is True
    d = client.check("cad", "core")
    assert (d.access, d.state, d.reason) == ("full", "grace", "network")
    assert type(d.access) is Access and type(d.state) is State and type(d.reason) is Reason
    assert repr(d) == "<Decision cad/core: full, grace, network until 2026-01-16T00:00:00Z>"
    drill.advance(8 * DAY)
    assert client.check("cad", "core").access == Access.LIMITED and client.check("cad", "core").allowed
    drill.advance(8 * DAY)
    d = client.check("cad", "core")
    assert (d.access, d.allowed, d.ends, d.ends_ns) == ("denied", False, None, None)


def test_an_explanation_is_plain_json(drill: Drill) -> None:
    client = drill.client
    client.import_document(lease(drill))
    drill.advance(25 * HOUR)
    client.report("server")
    why = client.explain("cad", "core")
    d = client.check("cad", "core")
    assert why == d.explain()
    assert list(why) == (
        "t sku feature access state reason until ends clock ledger license lease_end flags rule cover evidence ways_out trouble"
    ).split()
    assert (why["t"], why["until"]) == ("2026-01-02T01:00:00Z", "2026-01-16T00:00:00Z")
    assert (why["access"], why["license"], why["flags"]) == (d.access, d.license, d.flags._asdict())
    assert why["rule"] == "J1.7" and why["trouble"] is None
    assert why["cover"] == {
        "reason": "server",
        "start": "2026-01-02T00:00:00Z",
        "end": "2026-01-16T00:00:00Z",
        "stage": 0,
        "counts": True,
        "policy": 1,
        "tier": "basic",
        "notice": None,
    }
    assert why["evidence"] == [{"outage": "server", "since": "2026-01-02T01:00:00Z"}]
    assert [way["way"] for way in why["ways_out"]] == ["renew"]
    json.dumps(why, allow_nan=False)


def test_a_decision_has_no_truth_value(drill: Drill) -> None:
    client = drill.client
    for _ in range(2):
        with pytest.raises(TypeError, match="allowed"):
            bool(client.check("cad", "core"))
        client.import_document(lease(drill))
    with pytest.raises(TypeError, match="accepted"):
        bool(client.import_document(b"x"))


def test_a_decision_is_a_value(drill: Drill) -> None:
    client = drill.client
    client.import_document(lease(drill))
    one, same, other = client.check("cad", "core"), client.check("cad", "core"), client.check("cad", "render")
    assert one == same and hash(one) == hash(same) and one != other and one != "core"
    for copied in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):
        assert copied == one and hash(copied) == hash(one) and repr(copied) == repr(one)
        assert copied.explain() == one.explain() and copied.flags == one.flags and copied.until == one.until
    for name in ("access", "anything"):
        with pytest.raises(AttributeError):
            setattr(one, name, None)
    with pytest.raises(AttributeError):
        del one.access  # type: ignore[misc]
    client.close()
    assert one.access == "full"


def test_words_are_text() -> None:
    full: str = Access.FULL
    assert full == "full" and str(Access.FULL) == "full" and f"{Access.FULL:>6}" == "  full"
    assert "{}".format(State.GRACE) == "grace" and json.dumps(Access.UNKNOWN) == '"unknown"'
    assert Access("limited") is Access.LIMITED and {full: 1}["full"] == 1
    assert pickle.loads(pickle.dumps(Refusal.STALE)) is Refusal.STALE
    with pytest.raises(ValueError):
        Access("perhaps")


# ---- time ----


def test_times_are_exact_as_numbers_and_text(drill: Drill) -> None:
    drill.advance(timedelta(microseconds=1))
    drill.client.upkeep()
    d = drill.client.check("cad", "core")
    assert d.t == at(0.000001) and d.t_ns == START * 10**9 + 1000
    assert reprieve.text(d.t_ns) == "2026-01-01T00:00:00.000001Z"
    assert reprieve.text(d.t_ns + 1) == "2026-01-01T00:00:00.000001001Z"
    assert reprieve.text(0) == "1970-01-01T00:00:00Z" and reprieve.text(-1) == "1969-12-31T23:59:59.999999999Z"
    assert reprieve.text(253402300800 * 10**9) == "+10000-01-01T00:00:00Z"
    assert drill.now == at(0.000001) and drill.now_ns == d.t_ns


def test_what_datetime_cannot_hold_is_cut(drill: Drill) -> None:
    # 9999-12-31T23:59:59Z, the last instant that a document may name, and three days of grace after it.
    end = 253402300799
    claims = {"license": "L1", "sku": "cad", "features": {"core": end}}
    assert drill.client.import_document(drill.issue("lease", claims)).accepted
    d = drill.client.check("cad", "core")
    assert d.lease_end == datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
    assert d.ends_ns == (end + 3 * DAY) * 10**9 and reprieve.text(d.ends_ns) == "+10000-01-03T23:59:59Z"
    assert d.ends == datetime.max.replace(tzinfo=timezone.utc)
    repr(d)


# ---- documents ----


def test_documents_are_answered(drill: Drill) -> None:
    client = drill.client
    token = lease(drill)
    first = client.import_document(token)
    assert (first.kind, first.license, first.accepted, first.known, first.fresh) == (Document.LEASE, "L1", True, False, False)
    assert first.error is None
    for again in (token.decode(), bytearray(token), memoryview(token), b"\n" + token + b"\n"):
        answer = client.import_document(again)
        assert answer.accepted and answer.known
    with pytest.raises(AttributeError):
        first.accepted = False  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(first)) == first


@pytest.mark.parametrize("fault", ["malformed", "unknown_key", "bad_signature", "wrong_role", "wrong_ledger"])
def test_faults_are_refused(drill: Drill, fault: str) -> None:
    claims = {"license": "L1", "sku": "cad", "features": {"core": START + DAY}}
    for given in (fault, reprieve.Fault(fault)):
        answer = drill.client.import_document(drill.issue("lease", claims, fault=given))  # type: ignore[arg-type]
        assert not answer.accepted and answer.error == Refusal(fault) and answer.detail
    assert drill.client.check("cad", "core").access == "denied"


def test_every_kind_can_be_issued(drill: Drill) -> None:
    client = drill.client
    assert client.import_document(lease(drill)).accepted
    kinds: Dict[str, Dict[str, Any]] = {
        "notice": {"id": "n1", "start": START + DAY, "end": START + 2 * DAY},
        "extension": {"license": "L1", "until": START + 3 * DAY},
        "revocation": {"license": "L9"},
        "ruling": {"license": "L1", "clears": ["clock"]},
    }
    for kind, claims in kinds.items():
        token = drill.issue(Document(kind), claims, signers=2 if kind == "extension" else 1)
        answer = client.import_document(token)
        assert answer.kind == kind and answer.accepted, answer
    alone = client.import_document(drill.issue("extension", {"license": "L1", "until": START + 2 * DAY}))
    assert alone.error == Refusal.APPROVALS


@pytest.mark.parametrize("odd", [b"", b"\0", b"a.b.c", b"{}", "\ud800", "é", b"\xff" * 1000, b"[" * 100000])
def test_odd_tokens_are_refused(drill: Drill, odd: "bytes | str") -> None:
    answer = drill.client.import_document(odd)
    assert not answer.accepted and answer.error is not None


@pytest.mark.parametrize("odd", [None, 5, 1.5, [], {}])
def test_what_is_no_token_is_a_type_error(drill: Drill, odd: object) -> None:
    with pytest.raises(TypeError, match="bytes or str"):
        drill.client.import_document(odd)  # type: ignore[arg-type]


def test_renewal(drill: Drill) -> None:
    client = drill.client
    request = client.request()
    body = json.loads(request.body)
    assert body["nonce"] == request.nonce and body["ledger"] == client.ledger_id and body["licenses"] == []
    token = lease(drill, nonce=request.nonce)
    [answer] = client.renew(json.dumps({"documents": [token.decode()]}))
    assert answer.accepted and answer.fresh
    [answer] = client.renew(token)
    assert answer.known and not answer.fresh
    assert client.renew(b'{"documents": []}') == []
    for odd in (b"", b'{"documents": 5}'):
        with pytest.raises(reprieve.ClaimsError):
            client.renew(odd)
    # What is no token spoils none beside it.
    odd_one, good = client.renew(json.dumps({"documents": [5, token.decode()]}))
    assert not odd_one.accepted and odd_one.error is reprieve.Refusal.MALFORMED and good.known
    assert json.loads(client.request().body)["licenses"] == ["L1"]


def test_reports(drill: Drill) -> None:
    client = drill.client
    assert client.report("server") is True and client.report(Outage.SERVER) is False
    assert client.report(Outage.NETWORK) is True
    for odd in ("", "unknown", "Network", "\ud800"):
        with pytest.raises(reprieve.ArgumentError, match="network"):
            client.report(odd)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        client.report(None)  # type: ignore[arg-type]


# ---- events ----


def test_events_are_given_once_they_are_dealt_with(drill: Drill) -> None:
    client = drill.client
    assert list(client.events("tray")) == []
    client.import_document(lease(drill))
    drill.advance(25 * HOUR)
    client.upkeep()
    seen = []
    for event in client.events("tray"):
        seen.append(event)
        if event.kind == EventKind.DOCUMENT_ACCEPTED:
            assert (event.document, event.license, event.at) == (Document.LEASE, "L1", at(0))
    assert [e.kind for e in seen] == ["document_accepted", "grace_started", "grace_started"]
    started = seen[1]
    assert (started.feature, started.access, started.state, started.reason) == ("core", "full", "grace", "unknown")
    assert started.at == at(DAY) and started.at_ns == (START + DAY) * 10**9 and started.left is None
    assert started.text is None and started.error is None
    assert list(client.events("tray")) == [] and client.next_event("tray") is None
    assert pickle.loads(pickle.dumps(started)) == started


def test_a_loop_that_breaks_does_not_acknowledge(drill: Drill) -> None:
    one, two = drill.new_client(), drill.client
    assert one.next_event("log") is None
    for word in ("first", "second", "third"):
        two.appeal(word)
    for event in one.events("log"):
        if event.text == "second":
            break
    with pytest.raises(KeyError):
        for event in one.events("log"):
            raise KeyError(event.text)
    one.close()
    with drill.new_client() as again:
        assert [event.text for event in again.events("log")] == ["second", "third"]
    with drill.new_client() as again:
        assert again.next_event("log") is None
        two.appeal("fourth")
        fourth = again.next_event("log")
        assert fourth is not None and fourth.text == "fourth" and fourth.kind == "appeal_filed"
        again.acknowledge("log", fourth)
        again.acknowledge("log", fourth)


def test_an_event_is_there_as_soon_as_another_client_recorded_it(drill: Drill) -> None:
    one, two = drill.client, drill.new_client()
    assert one.next_event("log") is None
    one.request()  # a record that tells products nothing
    two.appeal("here")
    event = one.next_event("log")
    assert event is not None and event.text == "here"


def test_consumers_are_names(drill: Drill) -> None:
    for odd in ("", "a/b", "a:b", "a b", "é", "x" * 129, "\ud800", "a\0b"):
        with pytest.raises(reprieve.ArgumentError):
            drill.client.next_event(odd)
        with pytest.raises(reprieve.ArgumentError):
            list(drill.client.events(odd))
    assert drill.client.next_event("x" * 128) is None


# ---- the rest ----


def test_status(drill: Drill) -> None:
    client = drill.client
    client.import_document(lease(drill))
    status = client.status("cad")
    assert [d.feature for d in status.features] == ["core", "render"]
    assert status.features[0] == client.check("cad", "core")
    assert (status.clock, status.ledger, status.generation, status.unproven) == ("ok", "ok", 0, 0)
    assert status.policy == ("acme", 1) and status.policy is not None and status.policy.version == 1
    assert status.ledger_id == client.ledger_id and status.records > 1
    assert status.folder == drill.folder / "ledger" and status.flags.drill
    assert (status.t, status.t_ns) == (at(0), START * 10**9)
    assert client.status("another").features == ()
    with pytest.raises(reprieve.ArgumentError):
        client.status("no name")


def test_appeal(drill: Drill) -> None:
    client = drill.client
    sent = json.loads(client.appeal("Der Serverraum stand unter Wasser. \U0001f30a", license="L1"))
    assert sent["appeal"]["text"].endswith("\U0001f30a") and sent["appeal"]["license"] == "L1"
    assert sent["ledger"] == client.ledger_id and sent["history"]
    assert json.loads(client.appeal("x" * 10000))["appeal"]["license"] is None
    for text, license in (("", None), ("  ", None), ("x" * 10001, None), ("why", "no name")):
        with pytest.raises(reprieve.ArgumentError):
            client.appeal(text, license)


def test_head_and_id(drill: Drill) -> None:
    client = drill.client
    head = client.head()
    assert head.endswith("\n") and client.ledger_id in head
    client.report("network")
    assert client.head() != head


def test_odd_names_are_unknown_never_denied(drill: Drill) -> None:
    for odd in ("", " ", "a b", "a*", "é", "x" * 129, "\ud800", "a\0b", "\u202e", "../../etc" + "\n"):
        for sku, feature in ((odd, "core"), ("cad", odd)):
            d = drill.client.check(sku, feature)
            assert (d.access, d.state, d.allowed) == (Access.UNKNOWN, None, False)
            trouble = d.explain()["trouble"]
            assert trouble is not None and "name" in trouble
            repr(d)
    assert drill.client.check("x" * 128, "a.b_c:d@e/f+g-h").access == "denied"
    for odd_type in (None, 5, b"core"):
        with pytest.raises(TypeError):
            drill.client.check("cad", odd_type)  # type: ignore[arg-type]


def test_closed(drill: Drill) -> None:
    client, other = drill.client, drill.client
    with client as entered:
        assert entered is client
    client.close()
    d = client.check("cad", "core")
    assert d.access == "unknown" and "closed" in (d.explain()["trouble"] or "")
    calls: List[Callable[[], object]] = [
        lambda: client.import_document(b"x"),
        lambda: client.report("network"),
        client.request,
        lambda: client.renew(b"x"),
        lambda: client.next_event("c"),
        lambda: next(client.events("c")),
        lambda: client.status("cad"),
        lambda: client.appeal("why"),
        client.upkeep,
        client.head,
        lambda: client.ledger_id,
        lambda: other.head(),
    ]
    for call in calls:
        with pytest.raises(reprieve.ClosedError) as raised:
            call()
        assert raised.value.code == 400
    assert client.diagnostics() == []


def test_diagnostics(drill: Drill) -> None:
    client = drill.client
    client.check("cad", "core")
    (drill.folder / "witness-a").mkdir(exist_ok=True)
    for note in client.diagnostics():
        assert note.text and note.wall.tzinfo is timezone.utc and note.wall_ns > 0


def test_upkeep_of_its_own(drill: Drill) -> None:
    with drill.new_client(upkeep="own") as own:
        drill.client.import_document(lease(drill))
        assert own.check("cad", "core").access == "denied"
        own.upkeep()
        assert own.check("cad", "core").access == "full"
        drill.advance(601)
        d = own.check("cad", "core")
        assert d.access == "unknown" and "upkeep" in (d.explain()["trouble"] or "")
        own.upkeep()
        assert own.check("cad", "core").access == "full"


def test_two_clients_in_one_process_agree(drill: Drill) -> None:
    with drill.new_client() as two:
        one = drill.client
        assert one.ledger_id == two.ledger_id
        assert one.import_document(lease(drill)).accepted
        drill.advance(1)
        assert two.check("cad", "core") == one.check("cad", "core") and two.check("cad", "core").allowed
        assert two.report("network") and not one.report("network")
        one.close()
        assert one.check("cad", "core").access == "unknown"
        assert two.import_document(b"x").error is not None and two.check("cad", "core").allowed


# ---- opening ----


def test_open(tmp_path: pathlib.Path) -> None:
    app = tmp_path / "reprieve.toml"
    app.write_text(APP + '[place]\nfolder = "here"\nwitness = "there"\n')
    for name in (app, str(app)):
        with reprieve.open(name) as client:
            assert client.endpoints == ("https://one.example/", "https://two.example/")
            assert client.check("cad", "core").state == "unlicensed"
            assert client.status("cad").folder == tmp_path / "here"
            made = client.ledger_id
    other = tmp_path / "other"
    with reprieve.open(app, folder=other, witness=tmp_path / "w", lock_timeout=1, upkeep="own", create=True) as client:
        assert client.ledger_id != made and client.status("cad").folder == other
    with reprieve.open_toml(APP, folder=tmp_path / "here", witness=tmp_path / "there", create=False) as client:
        assert client.ledger_id == made
    with reprieve.open(app, in_memory=True) as client:
        assert client.check("cad", "core").flags.in_memory and client.status("cad").folder is None


def test_odd_folders(tmp_path: pathlib.Path) -> None:
    odd = tmp_path / "Blä \U0001f30a 'x'"
    with reprieve.open_toml(APP, folder=odd, witness=odd / "w") as client:
        assert client.status("cad").folder == odd
    raw = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    with reprieve.open_toml(APP, folder=raw, witness=raw) as client:
        assert client.status("cad").folder == pathlib.Path(raw)


def test_a_forgotten_client_is_closed(tmp_path: pathlib.Path) -> None:
    client = reprieve.open_toml(APP, folder=tmp_path, witness=tmp_path)
    made = client.ledger_id
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    del client
    gc.collect()
    if before:
        assert len(os.listdir("/proc/self/fd")) < before
    with reprieve.open_toml(APP, folder=tmp_path, witness=tmp_path, lock_timeout=0) as client:
        assert client.ledger_id == made


def test_a_client_comes_from_open_alone() -> None:
    with pytest.raises(TypeError):
        reprieve.Client(None)  # type: ignore[call-arg]
    with pytest.raises(TypeError), reprieve.open_toml(APP, in_memory=True) as client:
        pickle.dumps(client)


# ---- drills ----


def test_a_drill_tidies_up() -> None:
    drill = Drill('{"sku": "cad", "steps": []}')
    folder = drill.folder
    assert folder.is_dir() and drill.steps == 0
    drill.close()
    drill.close()
    assert not folder.exists()
    calls: List[Callable[[], object]] = [lambda: drill.client, lambda: drill.now, lambda: drill.folder, lambda: drill.advance(1)]
    for call in calls:
        with pytest.raises(reprieve.ClosedError):
            call()
    drill = Drill('{"sku": "cad", "steps": []}')
    folder = drill.folder
    del drill
    gc.collect()
    assert not folder.exists()


def test_a_client_keeps_its_drill(tmp_path: pathlib.Path) -> None:
    client, other = Drill('{"sku": "cad", "steps": []}').client, Drill.create(tmp_path / "drill").new_client()
    gc.collect()
    for kept in (client, other):
        assert kept.check("cad", "core").access == "denied" and kept.report("network")
    folder = client.status("cad").folder
    assert folder is not None and folder.is_dir()
    del client, other, kept
    gc.collect()
    assert not folder.exists() and (tmp_path / "drill").is_dir()


def test_a_drill_takes_toml_and_gives_tasks() -> None:
    text = """
    sku = "cad"
    [[steps]]
    lease = { license = "L1", features = ["core"], ttl = "24h" }
    [[steps]]
    report = "server"
    [[steps]]
    check = "core"
    [[steps]]
    events = true
    [[steps]]
    advance = "1h"
    """
    with Drill(text) as drill:
        tasks = [drill.step(at) for at in range(drill.steps)]
        assert [task.kind for task in tasks] == ["import", "report", "check", "events", "nothing"]
        assert tasks[0].token is not None and tasks[1].outage is Outage.SERVER
        assert (tasks[2].sku, tasks[2].feature) == ("cad", "core")
        for odd in (-1, 5, 10**9):
            with pytest.raises(reprieve.ArgumentError):
                drill.step(odd)


def test_a_drill_moves_its_wall(drill: Drill) -> None:
    client = drill.client
    drill.set_wall(-timedelta(days=3))
    client.upkeep()
    d = client.check("cad", "core")
    assert d.clock == Clock.ROLLED_BACK and "set_clock" in [way["way"] for way in d.explain()["ways_out"]]
    drill.set_wall(3 * DAY)
    client.upkeep()
    assert client.check("cad", "core").clock == "ok"
    for odd in (float("nan"), float("inf"), 10**40, -1e300):
        with pytest.raises(reprieve.ArgumentError):
            drill.set_wall(odd)
    with pytest.raises(reprieve.ArgumentError):
        drill.advance(-1)


def test_a_drill_on_the_real_clock(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "drill"
    with Drill.create(folder) as drill:
        assert drill.folder == folder and drill.steps == 0
        assert drill.client.import_document(lease(drill)).accepted
        assert drill.client.check("cad", "core").allowed
        with pytest.raises(reprieve.UnsupportedError):
            drill.advance(1)
        with pytest.raises(reprieve.ArgumentError):
            drill.step(0)
        assert abs(drill.now - datetime.now(timezone.utc)) < timedelta(minutes=1)
        with Drill.open(folder) as other:
            assert other.client.ledger_id == drill.client.ledger_id and other.client.check("cad", "core").allowed
    with pytest.raises(reprieve.ExistsError):
        Drill.create(folder)
    assert folder.is_dir()
    with pytest.raises(reprieve.MissingError):
        Drill.open(tmp_path / "none")
