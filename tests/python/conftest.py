import json
import pathlib
from typing import Any, Dict, Iterator

import pytest
import reprieve

HERE = pathlib.Path(__file__).resolve().parent
SCENARIOS = HERE.parent / "scenarios"

START = 1767225600  # 2026-01-01T00:00:00Z, in seconds: when a scenario starts
HOUR = 3600
DAY = 24 * HOUR

APP = """
vendor = "acme"
secret = "c2l4dGVlbiBieXRlcyBvciBtb3Jl"
endpoints = ["https://one.example/", "https://two.example/"]
roots = [{ kid = "root-1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]
"""

POLICY: Dict[str, Any] = {
    "schema": 1,
    "id": "acme",
    "version": 1,
    "default_tier": "basic",
    "governance": {"approvals": 2, "max_extension": "7d"},
    "tiers": {
        "basic": {
            "budget": {"limit": "30d", "window": "90d"},
            "warn": ["24h", "1h"],
            "network": {
                "allowance": "14d",
                "stages": [{"after": "0s", "access": "full"}, {"after": "7d", "access": "limited"}],
            },
            "server": {"allowance": "14d"},
            "unknown": {"allowance": "3d"},
        }
    },
    "skus": {"cad": {"tier": "basic"}},
}


@pytest.fixture
def drill() -> Iterator[reprieve.Drill]:
    """A drill on a simulated clock, with a policy and nothing else."""
    with reprieve.Drill(json.dumps({"sku": "cad", "policy": POLICY, "steps": []})) as drill:
        yield drill


def lease(drill: reprieve.Drill, license: str = "L1", ttl: int = DAY, **more: Any) -> bytes:
    end = drill.now_ns // 10**9 + ttl
    claims = {"license": license, "sku": "cad", "features": {"core": end, "render": end}}
    claims.update(more)
    return drill.issue("lease", claims)
