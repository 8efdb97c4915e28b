"""The package itself: its examples, its exports, and that everything is documented."""

import doctest
import enum
import importlib
import inspect
import pathlib
import subprocess
import sys
from typing import Dict, Type

import pytest
import reprieve

FOLDER = pathlib.Path(reprieve.__file__).parent
MODULES = ["reprieve", "reprieve._client", "reprieve._drill", "reprieve._values", "reprieve._words", "reprieve._errors"]
PUBLIC = {name: getattr(reprieve, name) for name in reprieve.__all__}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), extraglobs=PUBLIC)
    assert result.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    assert sum(len(t.examples) for name in MODULES for t in finder.find(importlib.import_module(name))) >= 12


def test_everything_is_documented() -> None:
    bare = []
    for name, thing in PUBLIC.items():
        if inspect.isclass(thing) or inspect.isfunction(thing):
            if not (thing.__doc__ or "").strip():
                bare.append(name)
        if inspect.isclass(thing) and not issubclass(thing, enum.Enum):
            for member, value in vars(thing).items():
                if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                    doc = value.__doc__ or getattr(value, "fget", value).__doc__
                    if not (doc or "").strip():
                        bare.append("{}.{}".format(name, member))
    assert not bare


def test_all_is_whole() -> None:
    names = {n for n, v in vars(reprieve).items() if not n.startswith("_") and not inspect.ismodule(v)}
    assert names | {"__version__"} == set(reprieve.__all__) and list(reprieve.__all__) == sorted(reprieve.__all__, key=str)
    assert (FOLDER / "py.typed").is_file() and (FOLDER / "_reprieve.pyi").is_file()
    assert reprieve.__version__.count(".") == 2


def test_the_words_are_the_cores() -> None:
    """Each word that the core may answer is one that Python knows: read from the core's source, where it is at hand."""
    source = pathlib.Path(__file__).resolve().parents[2] / "src" / "terms.rs"
    text = source.read_text(encoding="utf-8")
    names: Dict[str, Type[enum.Enum]] = {
        "Access": reprieve.Access,
        "LicenseState": reprieve.State,
        "Reason": reprieve.Reason,
        "ClockStanding": reprieve.Clock,
        "LedgerStanding": reprieve.Ledger,
        "Kind": reprieve.Document,
        "Refusal": reprieve.Refusal,
        "Outage": reprieve.Outage,
    }
    for name, kind in names.items():
        body = text.split("\n    {} {{".format(name), 1)[1].split("\n    }", 1)[0]
        words = [line.split('"')[1] for line in body.splitlines() if line.rstrip().endswith('",')]
        assert words == [str(word.value) for word in kind], name
    events = (source.parent / "client" / "events.rs").read_text(encoding="utf-8")
    words = [line.split('"')[1] for line in events.splitlines() if line.strip().startswith("EventKind::") and '=> "' in line]
    assert words == [str(word) for word in reprieve.EventKind]
    errors = (source.parent / "client" / "error.rs").read_text(encoding="utf-8")
    kinds = [kind for kind in vars(reprieve).values() if isinstance(kind, type) and issubclass(kind, reprieve.Error) and kind.code]
    words = [line.split('"')[1] for line in errors.splitlines() if line.strip().startswith("ErrorKind::") and '=> "' in line]
    codes = [int(line.split(" = ")[1].rstrip(",")) for line in errors.splitlines() if line.startswith("    ") and " = " in line and line.rstrip(",")[-1].isdigit()]
    assert sorted(zip(codes, words)) == sorted((kind.code, kind.word) for kind in kinds)


def test_it_ends_quietly() -> None:
    """An interpreter that ends with clients and drills open prints nothing, and leaves no drill behind."""
    code = (
        "import reprieve, tempfile\n"
        "drill = reprieve.Drill('{\"sku\": \"cad\", \"steps\": []}')\n"
        "client = drill.client\n"
        "other = drill.new_client()\n"
        "print(drill.folder)\n"
    )
    ran = subprocess.run([sys.executable, "-W", "error", "-X", "dev", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert ran.returncode == 0 and ran.stderr == b""
    assert not pathlib.Path(ran.stdout.decode().strip()).exists()
