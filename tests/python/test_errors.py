"""What goes wrong: every class, every code, and no panic that passes."""

import os
import pathlib
import pickle
import sys

import pytest
import reprieve
from conftest import APP
from reprieve import _errors, _reprieve

KINDS = [kind for kind in vars(reprieve).values() if isinstance(kind, type) and issubclass(kind, reprieve.Error)]


def test_the_tree() -> None:
    codes = {kind.code: kind for kind in KINDS if kind.code}
    assert len(codes) == len(KINDS) - 2 == 21
    for code, kind in codes.items():
        error = _errors.of(code, "what happened")
        assert type(error) is kind and error.code == code and str(error) == "what happened" and kind.__doc__
        assert issubclass(kind, reprieve.LedgerError) == (200 <= code < 400)
        assert kind.__name__ == "".join(word.title() for word in kind.word.split("_")).replace("NotALedger", "NotALedger") + "Error"
        assert kind.__module__ == "reprieve" and pickle.loads(pickle.dumps(error)).args == error.args
    assert issubclass(reprieve.ArgumentError, ValueError)
    assert issubclass(reprieve.Error, Exception)
    newer = _errors.of(777, "of a newer core")
    assert type(newer) is reprieve.Error and newer.code == 777


def test_app(tmp_path: pathlib.Path) -> None:
    with pytest.raises(reprieve.AppError, match="none.toml"):
        reprieve.open(tmp_path / "none.toml")
    for text in ("", "vendor = 5", APP + "unknown = 1", APP.replace("acme", "a/b"), "\ud800", APP.replace("c2l4", "!")):
        with pytest.raises(reprieve.AppError) as raised:
            reprieve.open_toml(text, in_memory=True)
        assert raised.value.code == 101 and str(raised.value)


def test_arguments(tmp_path: pathlib.Path) -> None:
    for timeout in (-1, float("nan"), float("inf"), 1e300):
        with pytest.raises(reprieve.ArgumentError, match="timeout"):
            reprieve.open_toml(APP, in_memory=True, lock_timeout=timeout)
    with pytest.raises(ValueError, match="in_checks"):
        reprieve.open_toml(APP, in_memory=True, upkeep="never")  # type: ignore[arg-type]
    with pytest.raises(reprieve.ArgumentError, match="choose one"):
        reprieve.open_toml(APP, in_memory=True, folder=tmp_path)
    with pytest.raises(TypeError):
        reprieve.open_toml(APP, tmp_path)  # type: ignore[misc]
    with pytest.raises(TypeError):
        reprieve.open(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        reprieve.open_toml(None)  # type: ignore[arg-type]


def test_missing_and_wrong_key(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "ledger"
    with pytest.raises(reprieve.MissingError):
        reprieve.open_toml(APP, folder=folder, witness=folder, create=False)
    reprieve.open_toml(APP, folder=folder, witness=tmp_path).close()
    other = APP.replace("c2l4dGVlbiBieXRlcyBvciBtb3Jl", "YW5vdGhlciBzZWNyZXQgb2YgYWNtZQ")
    with pytest.raises(reprieve.WrongKeyError) as raised:
        reprieve.open_toml(other, folder=folder, witness=tmp_path)
    assert raised.value.code == 200 and isinstance(raised.value, reprieve.LedgerError)


def test_not_a_ledger(tmp_path: pathlib.Path) -> None:
    reprieve.open_toml(APP, folder=tmp_path, witness=tmp_path / "w").close()
    biggest = max((path for path in tmp_path.iterdir() if path.is_file()), key=lambda path: path.stat().st_size)
    biggest.write_bytes(b"This is a letter to my aunt.\n" * 1000)
    with pytest.raises((reprieve.NotALedgerError, reprieve.DamagedError)):
        reprieve.open_toml(APP, folder=tmp_path, witness=tmp_path / "w")
    assert biggest.read_bytes().startswith(b"This is a letter")


def test_busy(tmp_path: pathlib.Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    with reprieve.open_toml(APP, folder=tmp_path, witness=tmp_path / "w", lock_timeout=0.05) as client:
        locks = [path for path in tmp_path.iterdir() if path.name.endswith(".lock")]
        assert locks
        held = [os.open(path, os.O_RDWR) for path in locks]
        try:
            for descriptor in held:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            with pytest.raises(reprieve.BusyError) as raised:
                client.report("network")
            assert raised.value.code == 301
            assert client.check("cad", "core").access == "denied"
        finally:
            for descriptor in held:
                os.close(descriptor)
        assert client.report("network")


def test_no_folder(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(reprieve.LedgerError):
        reprieve.open_toml(APP, folder=tmp_path / "file" / "below", witness=tmp_path)
    with pytest.raises((reprieve.Error, ValueError)):
        reprieve.open_toml(APP, folder="a\0b", witness=tmp_path)


def test_a_drills_ledger_is_no_real_one(drill: reprieve.Drill, tmp_path: pathlib.Path) -> None:
    app = APP.replace("acme", "drill")
    with pytest.raises((reprieve.DrillError, reprieve.WrongKeyError)) as raised:
        reprieve.open_toml(app, folder=drill.folder / "ledger", witness=tmp_path)
    print(type(raised.value), raised.value)


def test_scenarios_and_claims(drill: reprieve.Drill, tmp_path: pathlib.Path) -> None:
    for text in ("", "{", "[]", '{"sku": "cad"}', '{"sku": "cad", "steps": [{"dance": true}]}', "\ud800"):
        with pytest.raises(reprieve.ScenarioError) as raised:
            reprieve.Drill(text)
        assert raised.value.code == 102
    with pytest.raises(reprieve.ScenarioError, match="step 0"):
        reprieve.Drill('{"sku": "cad", "steps": [{"advance": "soon"}]}')
    with pytest.raises(reprieve.ScenarioError, match="policy"):
        reprieve.Drill.create(tmp_path / "a", {"schema": 1})
    for claims in ({"a": float("nan")}, {"a": object()}, {5: object()}):
        with pytest.raises(reprieve.ClaimsError):
            drill.issue("lease", claims)  # type: ignore[arg-type]
    with pytest.raises(reprieve.ClaimsError):
        drill.issue("extension", {"license": "L1"}, signers=9)
    with pytest.raises(reprieve.ArgumentError):
        drill.issue("lease", {}, signers=0)
    with pytest.raises(reprieve.ArgumentError, match="kind"):
        drill.issue("letter", {})  # type: ignore[arg-type]
    with pytest.raises(reprieve.ArgumentError, match="fault"):
        drill.issue("lease", {}, fault="torn")  # type: ignore[arg-type]
    assert drill.client.import_document(drill.issue("lease", {})).error == "malformed"


def test_a_panic_is_an_internal_error(capfd: "pytest.CaptureFixture[str]") -> None:
    client = reprieve.open_toml(APP, in_memory=True)
    with pytest.raises(reprieve.InternalError, match="bug in reprieve at .*client.rs:") as raised:
        client._panic()
    assert raised.value.code == 900 and isinstance(raised.value, Exception)
    for call in (client.upkeep, client.head, client.request, lambda: client.status("cad")):
        with pytest.raises(reprieve.InternalError, match="open the ledger again"):
            call()
    d = client.check("cad", "core")
    assert d.access == "unknown" and "bug" in (d.explain()["trouble"] or "")
    client.close()
    assert capfd.readouterr() == ("", "")
    with reprieve.open_toml(APP, in_memory=True) as client:
        assert client.check("cad", "core").access == "denied"


def test_nothing_is_printed(capfd: "pytest.CaptureFixture[str]", drill: reprieve.Drill) -> None:
    drill.client.import_document(b"x")
    drill.client.check("", "")
    assert capfd.readouterr() == ("", "")
    assert sys.modules["reprieve._reprieve"] is _reprieve
