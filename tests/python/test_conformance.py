"""Every scenario of the semantics, through Python's own types, on a real ledger."""

import json
import pathlib
import subprocess
import sys
from typing import List

import conformance
import pytest
import reprieve
from conftest import HERE, SCENARIOS

FILES = sorted(SCENARIOS.glob("*.json"))


def test_the_scenarios_are_there() -> None:
    assert len(FILES) >= 37


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_scenario(file: pathlib.Path) -> None:
    found: List[str] = []
    for outcome in conformance.run(file.read_text(encoding="utf-8")):
        for line in outcome.lines:
            text = conformance.to_text(line)
            print(text)
            assert json.loads(text)["step"] == outcome.step
        found.extend("step {}: {}".format(outcome.step, text) for text in outcome.differences)
    assert not found, "\n".join(found)


def test_the_script_prints_the_same_lines() -> None:
    expected = "".join(
        conformance.to_text(line) + "\n" for outcome in conformance.run(FILES[0].read_text()) for line in outcome.lines
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(HERE / "conformance.py"), str(FILES[0])], stdout=subprocess.PIPE, check=True
    )
    assert ran.stdout.decode("utf-8") == expected and expected


def test_an_expectation_that_is_not_met_is_found() -> None:
    text = '{"sku": "cad", "steps": [{"check": "core", "expect": {"access": "full", "until": null}}]}'
    [outcome] = conformance.run(text)
    assert outcome.differences == ["line 0, access: expected 'full', got <Access.DENIED: 'denied'>"]


def test_the_line_is_written_as_the_semantics_say(drill: reprieve.Drill) -> None:
    line = conformance.to_text(conformance.check_line(4, drill.client.check("cad", "core")))
    assert line == (
        '{"step":4,"t":"2026-01-01T00:00:00Z","sku":"cad","feature":"core","access":"denied","state":"unlicensed",'
        '"reason":null,"until":null,"ends":null,"clock":"ok","ledger":"ok"}'
    )
