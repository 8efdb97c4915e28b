"""python -m reprieve."""

import json
import pathlib
import subprocess
import sys
from typing import List, Tuple

import pytest
import reprieve
from conftest import APP, POLICY, lease
from reprieve import Drill

WELL, WRONG, BAD_INPUT, TROUBLE = range(4)


def reprieve_main(*words: object, cwd: "pathlib.Path | None" = None) -> Tuple[int, str, str]:
    command: List[str] = [sys.executable, "-W", "error", "-m", "reprieve", *map(str, words)]
    ran = subprocess.run(command, cwd=None if cwd is None else str(cwd), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode()


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """A drill on the real clock with a lease for a day."""
    with Drill.create(tmp_path / "drill", POLICY) as drill:
        assert drill.client.import_document(lease(drill)).accepted
    return tmp_path / "drill"


def test_version() -> None:
    code, out, err = reprieve_main("version")
    assert (code, err) == (WELL, "") and "reprieve {}".format(reprieve.__version__) in out and "_reprieve" in out
    code, out, err = reprieve_main("version", "--json")
    says = json.loads(out)
    assert (says["version"], says["interface"]) == (reprieve.__version__, 1) and pathlib.Path(says["extension"]).is_file()


def test_usage() -> None:
    code, out, _ = reprieve_main("--help")
    assert code == WELL and "Exit codes" in out
    for words in ([], ["dance"], ["check", "cad", "core"], ["verify", "--app", "a", "--drill", "b"]):
        code, out, err = reprieve_main(*words)
        assert code == BAD_INPUT and not out and "usage" in err
    code, _, err = reprieve_main("status", "--drill", "x", "--folder", "y")
    assert code == BAD_INPUT and "--app" in err


def test_check(folder: pathlib.Path) -> None:
    code, out, err = reprieve_main("check", "cad", "core", "--drill", folder)
    assert (code, err) == (WELL, "") and out.startswith("core: full, licensed, until 20")
    code, out, _ = reprieve_main("check", "cad", "core", "nothing", "--drill", folder)
    assert code == WRONG and "nothing: denied, not_entitled\n" in out
    code, out, _ = reprieve_main("check", "cad", "core", "render", "--json", "--drill", folder)
    assert code == WELL and [json.loads(line)["feature"] for line in out.splitlines()] == ["core", "render"]
    code, out, _ = reprieve_main("check", "cad", "a b", "--drill", folder)
    assert code == TROUBLE and "a b: unknown\n" in out and "no name" in out
    code, out, _ = reprieve_main("explain", "cad", "core", "--drill", folder)
    assert code == WELL and json.loads(out)["rule"] == "J1.4"
    code, out, _ = reprieve_main("explain", "other", "core", "--drill", folder)
    assert code == WRONG and json.loads(out)["state"] == "unlicensed"


def test_status(folder: pathlib.Path) -> None:
    code, out, err = reprieve_main("status", "--drill", folder)
    assert (code, err) == (WELL, "") and "cad/core: full, licensed" in out and "version 1 of the policy acme" in out
    code, out, _ = reprieve_main("status", "cad", "--json", "--drill", folder)
    says = json.loads(out)
    assert code == WELL and [d["feature"] for d in says["features"]] == ["core", "render"] and says["ledger"] == "ok"
    assert list(says) == "t clock ledger flags ledger_id folder generation records policy unproven features".split()


def test_verify(folder: pathlib.Path) -> None:
    code, out, err = reprieve_main("verify", "--drill", folder)
    assert (code, err) == (WELL, "") and "Everything was checked, and nothing is wrong." in out
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    code, out, _ = reprieve_main("verify", "--json", "--drill", folder)
    says = json.loads(out)
    assert code == WELL and says["clean"] is True and says["generations"][0]["records"] > 1
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before
    [ledger] = folder.rglob("*.g0.ledger")
    data = bytearray(ledger.read_bytes())
    at = len(data.rstrip(b"\0")) // 2
    data[at] ^= 1
    ledger.write_bytes(data)
    code, out, _ = reprieve_main("verify", "--drill", folder)
    assert code == WRONG and "damage: " in out and "keep them" in out
    code, out, _ = reprieve_main("verify", "--json", "--drill", folder)
    assert code == WRONG and json.loads(out)["generations"][0]["findings"]


def test_an_application_file(tmp_path: pathlib.Path) -> None:
    app = tmp_path / "reprieve.toml"
    app.write_text(APP + '[place]\nfolder = "ledger"\nwitness = "witness"\n')
    code, _, err = reprieve_main("status", "--app", app)
    assert code == BAD_INPUT and err.startswith("reprieve: ") and not (tmp_path / "ledger").exists()
    reprieve.open(app).close()
    for words in (["status"], ["verify"], ["verify", "--folder", tmp_path / "ledger"]):
        assert reprieve_main(*words, "--app", app)[0] == WELL
    assert reprieve_main("check", "cad", "core", "--app", app)[0] == WRONG
    code, _, err = reprieve_main("check", "cad", "core", "--app", tmp_path / "none.toml")
    assert code == BAD_INPUT and "none.toml" in err
    app.write_text(app.read_text().replace("c2l4dGVlbiBieXRlcyBvciBtb3Jl", "YW5vdGhlciBzZWNyZXQgb2YgYWNtZQ"))
    assert reprieve_main("status", "--app", app)[0] == BAD_INPUT


def test_what_goes_on_in_memory_is_no_ledger(tmp_path: pathlib.Path) -> None:
    app = tmp_path / "reprieve.toml"
    (tmp_path / "file").write_text("")
    app.write_text(APP + '[place]\nfolder = "file/below"\nwitness = "witness"\nread_only = "memory"\n')
    for words in (["status"], ["check", "cad", "core"], ["explain", "cad", "core"]):
        code, out, err = reprieve_main(*words, "--app", app)
        assert (code, out) == (BAD_INPUT, "") and "there is no ledger" in err
