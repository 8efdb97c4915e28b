"""What a new user writes first, with each part of the package once. It is run, and checked by mypy --strict."""

import asyncio
import multiprocessing
import sys
from datetime import timedelta
from typing import List

import reprieve
import reprieve.aio


def product(folder: str) -> str:
    """A product in a process of its own."""
    with reprieve.Drill.open(folder) as drill, drill.client as client:
        return str(client.check("cad", "core").access)


async def tray(drill: reprieve.Drill) -> List[str]:
    async with reprieve.aio.AsyncClient(drill.new_client()) as client:
        return [event.kind.value async for event in client.events("tray")]


def main(folder: str) -> None:
    with reprieve.Drill.create(folder) as drill, drill.client as client:
        assert client.next_event("tray") is None
        ends = drill.now + timedelta(hours=1)
        token = drill.issue("lease", {"license": "L1", "sku": "cad", "features": {"core": int(ends.timestamp())}})
        answer = client.import_document(token)
        assert answer.accepted and answer.kind is reprieve.Document.LEASE
        core: reprieve.Feature = client.feature("cad", "core")
        decision: reprieve.Decision = core.check()
        assert client.allowed(core) and decision.access is reprieve.Access.FULL and decision.lease_end is not None
        assert abs(decision.lease_end - ends) < timedelta(seconds=2)
        assert client.explain("cad", "core")["rule"] == "J1.4"
        assert asyncio.run(tray(drill)) == ["document_accepted"]
        for method in multiprocessing.get_all_start_methods():
            with multiprocessing.get_context(method).Pool(1) as pool:
                assert pool.apply(product, (folder,)) == "full", method
    try:
        reprieve.open(folder + "/none.toml")
    except reprieve.AppError as error:
        assert error.code == 101
    print("sample ok", reprieve.__version__, reprieve.__file__)


if __name__ == "__main__":
    main(sys.argv[1])
