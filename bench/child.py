"""The parent's side: a program of ours in its own process, asked line by line."""

import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.setting import ROOT

_END_SECONDS = 15.0
_SAID_CHARACTERS = 2_000


class ChildFailed(Exception):
    """The child ended or did not answer in time; the message has the end of its log."""


class Child:
    """A module that calls :func:`bench.serve.serve`; use it with ``with``.

    Args:
        python: Interpreter to run it with.
        module: Dotted name.
        arguments: For its command line.
        folder: Its log goes here.
    """

    def __init__(
        self, python: Path | str, module: str, arguments: Sequence[object], folder: Path
    ) -> None:
        self.module = module
        self._log = folder / f"{module.rpartition('.')[2]}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(python), "-m", module, *map(str, arguments)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(
        self, do: str, arguments: Mapping[str, object] | None = None, *, seconds: float = 300.0
    ) -> dict[str, Any]:
        """Return the answer to one command.

        Args:
            arguments: Of the command, by name.
            seconds: Longest time to wait; then the child is killed.

        Raises:
            ChildFailed: there was no answer.
        """
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise ChildFailed(f"{self.module} has no pipes")
        alarm = threading.Timer(seconds, process.kill)
        alarm.start()
        try:
            process.stdin.write(json.dumps({"do": do, **(arguments or {})}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            alarm.cancel()
        if not line:
            code = process.wait()
            raise ChildFailed(
                f"{self.module} did not answer {do!r} (status {code}): {self._said()}"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

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
        """Close its stdin, which ends it, and wait."""
        process = self._process
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _said(self) -> str:
        return self._log.read_text("utf-8", "replace")[-_SAID_CHARACTERS:].strip()
