"""How a ledger is opened."""

import os
from typing import Literal, Optional, Union

from . import _reprieve
from ._reprieve import Client

AnyPath = Union[str, "os.PathLike[str]"]
Upkeep = Literal["in_checks", "own"]


def open(
    app_file: AnyPath,
    *,
    folder: Optional[AnyPath] = None,
    witness: Optional[AnyPath] = None,
    in_memory: bool = False,
    upkeep: Upkeep = "in_checks",
    lock_timeout: float = 5.0,
    create: bool = True
) -> Client:
    """Opens the ledger of an application file, making it if none lies there.

    >>> import pathlib, tempfile
    >>> app = '''
    ... vendor = "acme"
    ... secret = "c2l4dGVlbiBieXRlcyBvciBtb3Jl"
    ... roots = [{ kid = "root-1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]
    ... place = { folder = "ledger", witness = "witness" }
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "reprieve.toml")
    ...     _ = file.write_text(app)
    ...     with open(file) as client:
    ...         print(client.check("cad", "core").access)
    denied

    Args:
        app_file: the vendor's ``reprieve.toml``. Relative folders in it are relative to the file's own.
        folder: the ledger's folder, in place of the application file's or the platform's.
        witness: the witness's folder, in place of the application file's or the platform's.
        in_memory: a ledger in memory, for read-only machines: it ends with the client, and every decision says so.
        upkeep: ``"in_checks"``: checks do it, at most every 10 ms. ``"own"``: the product calls :meth:`Client.upkeep` on a thread of
            its choice, every second or so; then a check never touches the disk.
        lock_timeout: how long a call waits for the ledger's lock, in seconds.
        create: whether a ledger is made where none lies.

    Raises:
        AppError: the application file cannot be read, or says something impossible.
        ArgumentError: an option is none.
        LedgerError: the ledger cannot be opened. Nothing is created in the place of a file that cannot be opened.
    """
    return _reprieve.open(app_file, None, folder, witness, in_memory, upkeep, lock_timeout, create)


def open_toml(
    text: str,
    *,
    folder: Optional[AnyPath] = None,
    witness: Optional[AnyPath] = None,
    in_memory: bool = False,
    upkeep: Upkeep = "in_checks",
    lock_timeout: float = 5.0,
    create: bool = True
) -> Client:
    """Like :func:`reprieve.open`, with the application file's text: for products that carry it inside. Relative folders in it are
    relative to the working directory.

    >>> app = '''
    ... vendor = "acme"
    ... secret = "c2l4dGVlbiBieXRlcyBvciBtb3Jl"
    ... roots = [{ kid = "root-1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]
    ... '''
    >>> with open_toml(app, in_memory=True) as client:
    ...     decision = client.check("cad", "core")
    ...     print(decision.access, decision.flags.in_memory)
    denied True
    """
    return _reprieve.open(None, text, folder, witness, in_memory, upkeep, lock_timeout, create)
