"""Renews once by the standard library's HTTP, and prints what came of it: `probe.py thread|asyncio APP ROOTS MILLISECONDS`."""

import asyncio
import pathlib
import sys
import time

import reprieve
import reprieve.renewing


def has_ended(state: reprieve.RenewalState, begin: float) -> bool:
    return (state.outcome is not None and not state.is_busy) or time.monotonic() - begin > 30


async def by_asyncio(client: reprieve.Client, roots: str, seconds: float) -> reprieve.RenewalState:
    renewer, begin = client.renewer(timeout=seconds), time.monotonic()
    task = asyncio.create_task(reprieve.renewing.renew(client, renewer=renewer, roots=roots, proxy=""))
    while not has_ended(renewer.state(), begin):
        await asyncio.sleep(0.02)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return renewer.state()
    raise SystemExit("it was not cancelled")


def by_thread(client: reprieve.Client, roots: str, seconds: float) -> reprieve.RenewalState:
    begin = time.monotonic()
    with reprieve.renewing.Renewing(client, roots=roots, proxy="", timeout=seconds) as renewing:
        while not has_ended(renewing.state(), begin):
            time.sleep(0.02)
    return renewing.state()


def main() -> None:
    how, app, file, milliseconds = sys.argv[1:]
    roots, seconds = pathlib.Path(file).read_text(), int(milliseconds) / 1000
    with reprieve.open(app) as client:
        state = asyncio.run(by_asyncio(client, roots, seconds)) if how == "asyncio" else by_thread(client, roots, seconds)
        # A kind that was reported already is no news.
        reported = "network" if not client.report("network") else "server" if not client.report("server") else "none"
        when = "later" if (state.next or 0) > 60 else "soon"
        print("|".join([state.word, reported, when, str(client.check("cad", "core").access)]))


main()
