"""Azurite, the storage emulator, in a process of its own.

``make`` installs it below ``.venv/azurite``; without it the tests that need it fail with a
sentence, and do not pass by being skipped.
"""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = _ROOT / ".venv/azurite/node_modules/azurite/dist/src/azurite.js"
_NODE = _ROOT / ".venv/bin/node"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_START_SECONDS = 30.0


class Azurite:
    """A storage account on loopback; use it with ``with``. It can be stopped and come back.

    Args:
        folder: Keeps what is stored over a restart.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blob, self._queue, self._table = (_free_port() for _ in range(3))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def connection_string(self) -> str:
        """What a trigger's ``connection`` setting must be."""
        account = "devstoreaccount1"
        return (
            f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={_KEY};"
            f"BlobEndpoint=http://127.0.0.1:{self._blob}/{account};"
            f"QueueEndpoint=http://127.0.0.1:{self._queue}/{account};"
        )

    def start(self) -> None:
        """Start it and wait until it listens."""
        assert _PROGRAM.exists(), "Azurite is not installed: run `make install`"
        node = shutil.which("node") or str(_NODE)
        ports = ["--blobPort", self._blob, "--queuePort", self._queue, "--tablePort", self._table]
        flags = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        self._process = subprocess.Popen(
            [node, _PROGRAM, "--location", self._folder, *flags, *map(str, ports)],
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
        )
        deadline = time.monotonic() + _START_SECONDS
        for port in (self._blob, self._queue):
            while not _listens(port):
                assert self._process.poll() is None, "Azurite ended at once"
                assert time.monotonic() < deadline, "Azurite does not listen"
                time.sleep(0.05)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
