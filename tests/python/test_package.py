"""The package itself: its examples, its exports, and that everything is documented."""

import doctest
import enum
import importlib.util
import inspect
import pathlib
import shutil
import subprocess
import sys
from typing import Any, Dict, Iterator, Tuple, Type

import pytest
import reprieve
import reprieve.aio
import reprieve.renewing

FOLDER = pathlib.Path(reprieve.__file__).parent
PUBLIC = {name: getattr(reprieve, name) for name in reprieve.__all__}
AIO = {name: getattr(reprieve.aio, name) for name in reprieve.aio.__all__}
RENEWING = {name: getattr(reprieve.renewing, name) for name in reprieve.renewing.__all__}


def documented() -> Iterator[Tuple[str, Any, Dict[str, Any]]]:
    """What has a docstring: its name, the thing, and the names that its examples may use."""
    yield "reprieve", reprieve, PUBLIC
    yield "reprieve.aio", reprieve.aio, {**PUBLIC, **AIO}
    yield "reprieve.renewing", reprieve.renewing, {**PUBLIC, **RENEWING}
    modules = (("", PUBLIC, PUBLIC), ("aio.", AIO, {**PUBLIC, **AIO}), ("renewing.", RENEWING, {**PUBLIC, **RENEWING}))
    for prefix, names, known in modules:
        for name, thing in names.items():
            if not (inspect.isclass(thing) or inspect.isroutine(thing)):
                continue
            yield prefix + name, thing, known
            if not inspect.isclass(thing) or issubclass(thing, enum.Enum):
                continue
            for member, value in vars(thing).items():
                if member.startswith("_"):
                    continue
                if isinstance(value, (classmethod, staticmethod)):
                    value = value.__func__
                if inspect.isroutine(value) or isinstance(value, property) or inspect.isgetsetdescriptor(value):
                    yield "{}{}.{}".format(prefix, name, member), value, known


@pytest.mark.parametrize("name, thing, known", list(documented()), ids=[name for name, _, _ in documented()])
def test_examples(name: str, thing: Any, known: Dict[str, Any]) -> None:
    example = doctest.DocTestParser().get_doctest(inspect.getdoc(thing) or "", dict(known), name, None, None)
    assert doctest.DocTestRunner().run(example).failed == 0


def test_there_are_examples() -> None:
    """Each function and method shows how it is called, and each class how one is got and read. One speaks for all errors, one for
    all methods of reprieve.aio, which are the client's, and the types of plain dicts stand in explanations."""
    bare = []
    for name, thing, _ in documented():
        if isinstance(thing, property) or inspect.isgetsetdescriptor(thing) or name.startswith("aio.AsyncClient."):
            continue
        if inspect.isclass(thing) and thing is not reprieve.Error and issubclass(thing, (reprieve.Error, dict)):
            continue
        if ">>>" not in (thing.__doc__ or "") and inspect.isclass(thing) | inspect.isroutine(thing):
            bare.append(name)
    assert not bare


def test_everything_is_documented() -> None:
    assert len(list(documented())) > 120
    assert [name for name, thing, _ in documented() if not (thing.__doc__ or "").strip()] == []


def test_all_is_whole() -> None:
    names = {n for n, v in vars(reprieve).items() if not n.startswith("_") and not inspect.ismodule(v)}
    assert names | {"__version__"} == set(reprieve.__all__) and list(reprieve.__all__) == sorted(reprieve.__all__, key=str)
    assert (FOLDER / "py.typed").is_file() and (FOLDER / "_reprieve.pyi").is_file()
    assert reprieve.__version__.count(".") == 2


def test_two_releases_in_one_folder_are_told_apart(tmp_path: pathlib.Path) -> None:
    """The files of one release beside the extension of another: what was mixed up, and what to do."""
    mixed = tmp_path / "reprieve"
    shutil.copytree(str(FOLDER), str(mixed))
    for extension in mixed.glob("_reprieve.*"):
        extension.unlink()
    (mixed / "_reprieve.py").write_text("INTERFACE, VERSION = 7, '9.9.9'")
    ran = subprocess.run(
        [sys.executable, "-c", "import reprieve"], cwd=str(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    said = ran.stderr.decode()
    assert ran.returncode == 1 and "ImportError" in said and str(mixed / "_reprieve.py") in said
    assert "9.9.9" in said and "interface 7" in said and "install reprieve again" in said


def test_a_subinterpreter_is_refused() -> None:
    """The stated limit: an ImportError, and no crash."""
    name = next((name for name in ("_interpreters", "_xxsubinterpreters") if importlib.util.find_spec(name)), None)
    if name is None:
        pytest.skip("not run: this interpreter has no module to make another one with")
    code = (
        "import {} as interpreters, reprieve\n"
        "text = 'try:\\n import reprieve\\nexcept ImportError:\\n print(\"refused\", flush=True)'\n"
        "interpreters.run_string(interpreters.create(), text)\n"
        "print(reprieve.Drill('{{\"sku\": \"cad\", \"steps\": []}}').client.check('cad', 'core').access)\n"
    ).format(name)
    ran = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (ran.returncode, ran.stdout.decode().split()) == (0, ["refused", "denied"]), ran.stderr.decode()


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
