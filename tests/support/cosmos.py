"""npm's Cosmos server in a process of its own, with most of its gaps closed.

``make`` installs it below ``.venv/cosmos``; without it the tests that need it fail with a
sentence, and do not pass by being skipped. ``cosmos_server.js`` closes the gaps
``missing-is-404``, ``partition-of-a-query``, ``distinct-value``, ``opposite-order`` and
``atomic-batch``; those that stay are :data:`GAPS`.
"""

import atexit
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import httpx
import pytest

from shared.stores.cosmos import CosmosStore

_ROOT = Path(__file__).resolve().parents[2]
_LIBRARY = _ROOT / ".venv/cosmos/node_modules/@vercel/cosmosdb-server"
_STARTER = Path(__file__).with_name("cosmos_server.js")
_NODE = _ROOT / ".venv/bin/node"
KEY = "c2ltdWxhdGVk"
"""Any base64 text: the server asks for a key and looks at none."""

GAPS = {
    "ttl": "nothing ever expires",
    "change-feed": "a continued feed gives nothing",
    "request-charge": "each answer costs 1 RU",
    "consistency": "one process: each read sees the latest write",
}
"""What the server does not do, or does not do truly."""

ENDPOINT, ACCOUNT_KEY = os.environ.get("COSMOS_ENDPOINT", ""), os.environ.get("COSMOS_KEY")


class CosmosServer:
    """An account on loopback; use it with ``with``. It forgets everything when it ends."""

    def __init__(self) -> None:
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it listens."""
        assert _LIBRARY.exists(), "npm's Cosmos server is not installed: run `make install`"
        node = shutil.which("node") or str(_NODE)
        self._process = subprocess.Popen(
            [node, _STARTER, _LIBRARY, "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("Listening on "), "npm's Cosmos server ended at once"
        self.url = line.removeprefix("Listening on ").strip()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Stop it."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(10)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def fault(self, **order: object) -> None:
        """Let coming document calls go wrong; see ``cosmos_server.js``. Replaces earlier orders.

        Args:
            order: ``status`` or ``lose=True``, ``times``, ``after``, ``retry_after_ms``, ``match``.
        """
        httpx.post(f"{self.url}/_faults", json=order, trust_env=False).raise_for_status()

    def well(self) -> None:
        """Drop the orders that are still open."""
        httpx.post(f"{self.url}/_faults", json=[], trust_env=False).raise_for_status()

    def store(self, database: str = "", *, patience_seconds: float = 30) -> CosmosStore:
        """Return a store on a database of its own, or on ``database``."""
        name = database or f"mend-{uuid4().hex[:12]}"
        return CosmosStore(self.url, name, key=KEY, create=True, patience_seconds=patience_seconds)


@cache
def _server_of_the_session() -> CosmosServer:
    server = CosmosServer().__enter__()
    atexit.register(server.__exit__, None, None, None)
    return server


def settings_of_a_host() -> dict[str, str]:
    """Return settings for an empty store, where the tests are run with ``MEND_STORE=cosmos``.

    The account is the one that ``COSMOS_ENDPOINT`` names, or npm's server.
    """
    if os.environ.get("MEND_STORE") != "cosmos":
        return {}
    database = {"COSMOS_DATABASE": f"mend-{uuid4().hex[:12]}", "COSMOS_CREATE": "on"}
    if ENDPOINT:
        return database
    return {**database, "COSMOS_ENDPOINT": _server_of_the_session().url, "COSMOS_KEY": KEY}


@pytest.fixture(scope="session")
def cosmos_server() -> Iterator[CosmosServer]:
    """One server for all tests of the session; each store has a database of its own."""
    with CosmosServer() as server:
        yield server
