"""The local host as people run it: ``python -m localhost`` in its own process."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from bench.child import ChildFailed
from bench.setting import ROOT

_START_SECONDS = 60.0
_END_SECONDS = 15.0


class HostProcess:
    """The host with one app on one data folder, ready when the constructor returns.

    Args:
        app: Folder with function_app.py.
        data: Data folder; its log is ``host.log`` beside it.
        settings: Environment variables beside the machine's own.

    Attributes:
        url: Where it listens.
        start_seconds: From the start of the process to the first 200 of ``/api/health``.

    Raises:
        ChildFailed: it did not start; with the end of its log.
    """

    def __init__(self, app: Path, data: Path, settings: Mapping[str, str] | None = None) -> None:
        self._log = data.parent / "host.log"
        client = httpx.Client(timeout=5, trust_env=False)
        begun = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                _command(app, data),
                cwd=ROOT,
                env={**os.environ, **(settings or {})},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        try:
            self.url = self._address()
            self._await_health(client)
        except BaseException:
            self.kill()
            raise
        finally:
            client.close()
        self.start_seconds = time.perf_counter() - begun

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Stop it in order."""
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _address(self) -> str:
        alarm = threading.Timer(_START_SECONDS, self._process.kill)
        alarm.start()
        try:
            for line in self._process.stdout or ():
                if line.startswith("Listening on "):
                    return line.split()[-1]
        finally:
            alarm.cancel()
        raise ChildFailed(f"the host did not start: {self._log.read_text('utf-8', 'replace')}")

    def _await_health(self, client: httpx.Client) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if client.get(f"{self.url}/api/health").status_code == httpx.codes.OK:
                return
            time.sleep(0.01)
        raise ChildFailed("the host does not become healthy")


def _command(app: Path, data: Path) -> list[str]:
    where = ["--app", str(app), "--data", str(data), "--port", "0"]
    return [sys.executable, "-m", "localhost", *where]
