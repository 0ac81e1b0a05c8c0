"""Runs the local host in a process of its own; for the demo and for tests that kill it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0


class HostDidNotStart(Exception):
    """The host ended, or did not answer in time; the message has what it said."""


class HostProcess:
    """The host on one data folder: started, stopped or killed, and started again.

    Args:
        data_dir: Where all its state is; its log is ``host.log`` beside it.
        settings: Environment variables beside the machine's own.
        port: 0 takes a free one, anew at each start.
        site: Built web pages, if not those in ``dashboard/dist``.
    """

    def __init__(
        self,
        data_dir: Path,
        settings: Mapping[str, str],
        *,
        port: int = 0,
        site: Path | None = None,
    ) -> None:
        self.url = ""
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self._data_dir = data_dir
        self._settings = settings
        self._port = port
        self._site = site
        self._process: subprocess.Popen[bytes] | None = None

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

    def start(self) -> None:
        """Start the host and wait until it accepts work.

        Raises:
            HostDidNotStart: with the end of its log.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True)
        said_before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=ROOT,
                env={**os.environ, **self._settings},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready(said_before):
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                self.kill()
                reason = "does not answer" if code is None else f"ended with code {code}"
                raise HostDidNotStart(f"the host {reason}:\n{self._said(said_before)}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """Its process id.

        Raises:
            HostDidNotStart: it does not run.
        """
        if self._process is None:
            raise HostDidNotStart("the host does not run")
        return self._process.pid

    def stop(self) -> int | None:
        """End it in order and return its exit code; ``None`` if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.terminate()
        try:
            return process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def kill(self) -> None:
        """End it as a power cut would: no handler runs, nothing is flushed."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def _command(self) -> list[str]:
        where = ["--port", str(self._port), "--data", str(self._data_dir)]
        where += ["--site", str(self._site)] if self._site is not None else []
        # Strict: an orchestrator that would misbehave on Azure fails here, with the reason.
        return [sys.executable, "-m", "localhost", *where, "--strict"]

    def _is_ready(self, said_before: int) -> bool:
        address = re.search(r"^Listening on (\S+)", self._said(said_before), re.MULTILINE)
        if address is None:
            return False
        self.url = address[1]
        try:
            answer = httpx.get(f"{self.url}/api/health", timeout=2, trust_env=False)
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    def _said(self, since: int) -> str:
        with self.log.open() as log:
            log.seek(since)
            return log.read()
