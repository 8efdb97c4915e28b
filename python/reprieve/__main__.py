"""``python -m reprieve``: what a product would be told, for support and for build machines. The words and exit codes are those of the
command line ``reprieve``, which does much more.
"""

import argparse
import json
import platform
import sys
from typing import Any, Dict, List, Optional, cast

from . import _reprieve
from ._drill import Drill
from ._errors import (
    BusyError,
    ClosedError,
    DamagedError,
    Error,
    FullError,
    InternalError,
    IoError,
    NoFolderError,
    ReadOnlyError,
    UnsupportedError,
)
from ._open import open as open_ledger
from ._reprieve import Client, Decision

WELL, WRONG, BAD_INPUT, TROUBLE = 0, 1, 2, 3

_AFTER = """\
Exit codes:
  0  done, and nothing is wrong
  1  a check failed: access is denied, or the ledger is damaged
  2  bad input: an argument, a file that cannot be read, a key that does not open the ledger
  3  the environment: the ledger is busy, the disk is full or may not be written, or it could not be decided

check, explain and status open the ledger as a product does, and record what a product would; no ledger is made. verify only reads.

Examples:
  python -m reprieve version
  python -m reprieve check cad core --app reprieve.toml
  python -m reprieve explain cad core --app reprieve.toml
  python -m reprieve status --app reprieve.toml
  python -m reprieve verify --app reprieve.toml
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reprieve",
        description="Asks a ledger what a product would be told.",
        epilog=_AFTER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True
    target = argparse.ArgumentParser(add_help=False)
    which = target.add_mutually_exclusive_group(required=True)
    which.add_argument("--app", metavar="FILE", help="the application file, reprieve.toml")
    which.add_argument("--drill", metavar="FOLDER", help="the folder of a drill on the real clock, in place of --app")
    target.add_argument("--folder", metavar="FOLDER", help="the ledger's folder, in place of the application file's")
    told = argparse.ArgumentParser(add_help=False)
    told.add_argument("--json", action="store_true", help="JSON, one line for each answer")
    version = commands.add_parser("version", help="the release, the extension and the interpreter", parents=[told])
    version.set_defaults(run=_version)
    for name, run, text in (
        ("check", _check, "what a product would be told now"),
        ("explain", _explain, "the same, and why, as JSON"),
    ):
        command = commands.add_parser(name, help=text, parents=[target] + ([told] if run is _check else []))
        command.add_argument("sku", metavar="SKU")
        command.add_argument("features", metavar="FEATURE", nargs="+")
        command.set_defaults(run=run)
    status = commands.add_parser("status", help="how the ledger stands, and all features", parents=[target, told])
    status.add_argument("skus", metavar="SKU", nargs="*", help="these products only")
    status.set_defaults(run=_status)
    verify = commands.add_parser("verify", help="check every record of every generation", parents=[target, told])
    verify.set_defaults(run=_verify)
    return parser


class _Target:
    """The ledger that a command is about, opened as a product opens it."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.drill: Optional[Drill] = None
        if args.drill is not None:
            self.drill = Drill.open(args.drill)
            self.client = self.drill.client
        else:
            self.client = open_ledger(args.app, folder=args.folder, create=False)

    def __enter__(self) -> Client:
        return self.client

    def __exit__(self, *_: object) -> None:
        self.client.close()
        if self.drill is not None:
            self.drill.close()


def _line(decision: Decision) -> str:
    words = [str(decision.access)]
    words += [str(word) for word in (decision.state, decision.reason) if word is not None]
    ends = "" if decision.ends_ns is None else ", until " + _reprieve.text(decision.ends_ns)
    return ", ".join(words) + ends


def _dump(value: Any) -> None:
    print(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def _version(args: argparse.Namespace) -> int:
    says: Dict[str, Any] = {
        "version": _reprieve.VERSION,
        "interface": _reprieve.INTERFACE,
        "extension": _reprieve.__file__,
        "python": "{} {}".format(platform.python_implementation(), platform.python_version()),
    }
    if args.json:
        _dump(says)
    else:
        print("reprieve {version}, extension interface {interface}, {python}\n{extension}".format(**says))
    return WELL


def _worst(code: int, decision: Decision) -> int:
    return max(code, WELL if decision.allowed else {"denied": WRONG}.get(decision.access, TROUBLE))


def _check(args: argparse.Namespace) -> int:
    code = WELL
    with _Target(args) as client:
        for feature in args.features:
            decision = client.check(args.sku, feature)
            code = _worst(code, decision)
            if args.json:
                _dump(decision.explain())
                continue
            print("{}: {}".format(feature, _line(decision)))
            why = decision.explain()
            if not decision.allowed:
                for text in [way["text"] for way in why["ways_out"]] + [why["trouble"] or ""]:
                    if text:
                        print("  " + text)
    return code


def _explain(args: argparse.Namespace) -> int:
    code = WELL
    with _Target(args) as client:
        for feature in args.features:
            decision = client.check(args.sku, feature)
            code = _worst(code, decision)
            print(json.dumps(decision.explain(), indent=2, ensure_ascii=False))
    return code


def _status(args: argparse.Namespace) -> int:
    with _Target(args) as client:
        statuses = [(sku, client.status(sku)) for sku in args.skus or client.skus() or ["none"]]
        whole = statuses[-1][1]
        if args.json:
            says: Dict[str, Any] = {
                "t": _reprieve.text(whole.t_ns),
                "clock": whole.clock,
                "ledger": whole.ledger,
                "flags": whole.flags._asdict(),
                "ledger_id": whole.ledger_id,
                "folder": None if whole.folder is None else str(whole.folder),
                "generation": whole.generation,
                "records": whole.records,
                "policy": None if whole.policy is None else whole.policy._asdict(),
                "unproven": whole.unproven,
                "features": [feature.explain() for _, status in statuses for feature in status.features],
            }
            _dump(says)
            return WELL
        print("ledger {}\n{}".format(whole.ledger_id, whole.folder))
        print("generation {}, {} records; clock {}, ledger {}".format(whole.generation, whole.records, whole.clock, whole.ledger))
        policy = whole.policy
        print("no policy" if policy is None else "version {} of the policy {}".format(policy.version, policy.id))
        for sku, status in statuses:
            for feature in status.features:
                print("{}/{}: {}".format(sku, feature.feature, _line(feature)))
    return WELL


def _verify(args: argparse.Namespace) -> int:
    ledger_id, clean, generations = _reprieve.verify(args.app, args.folder, args.drill)
    damaged = any(findings for *_, findings, _ in generations)
    if args.json:
        keys = ("generation", "file", "records", "first", "root", "torn", "findings", "locked")
        says = [dict(zip(keys, (number, str(file)) + rest)) for number, file, *others in generations for rest in [tuple(others)]]
        _dump({"ledger_id": ledger_id, "clean": clean, "generations": says})
    else:
        print("ledger {}".format(ledger_id))
        for number, file, records, first, _, torn, findings, locked in generations:
            print("generation {}: {} records from {} on, {}".format(number, records, first, file))
            if locked is not None:
                print("  locked: its records were not verified: {}".format(locked))
            for finding in findings:
                print("  damage: {}".format(finding))
            if torn:
                print("  torn: {} bytes of a write that was never acknowledged; no offence".format(torn))
        if damaged:
            print("The files are evidence: keep them, and appeal to the vendor.")
        elif clean:
            print("Everything was checked, and nothing is wrong.")
        else:
            print("What the keys at hand open was checked, and nothing is wrong with it.")
    return WRONG if damaged else WELL if clean else BAD_INPUT


_ENVIRONMENT = (BusyError, ReadOnlyError, FullError, NoFolderError, IoError, ClosedError, UnsupportedError, InternalError)


def main(given: Optional[List[str]] = None) -> int:
    """Runs a command, and gives its exit code."""
    args = _parser().parse_args(given)
    if getattr(args, "drill", None) is not None and args.folder is not None:
        print("reprieve: --folder goes with --app", file=sys.stderr)
        return BAD_INPUT
    try:
        return cast(int, args.run(args))
    except Error as error:
        print("reprieve: {}".format(error), file=sys.stderr)
        return TROUBLE if isinstance(error, _ENVIRONMENT) else WRONG if isinstance(error, DamagedError) else BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
