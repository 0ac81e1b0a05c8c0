"""A host as a process of its own, as somebody would start it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP = Path(__file__).parent / "app"

# Real time for what should take about a second on an idle machine.
PATIENCE_SECONDS = 60.0


class HostProcess:
    """``python -m localhost`` on a free port.

    Args:
        data: Its data folder.
        log: File that its output goes to.
        more: Further command-line arguments.
    """

    def __init__(self, data: Path, log: Path, *more: str, app: Path = APP) -> None:
        self._log = log
        command = [sys.executable, "-m", "localhost", "--app", str(app), "--port", "0"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--data", str(data), *more],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=log.parent,
            )

    @property
    def output(self) -> str:
        """Everything it has said so far."""
        return self._log.read_text("utf-8", "replace")

    def url(self) -> str:
        """Wait until it listens, and return its address."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = re.search(r"^Listening on (http://\S+)$", self.output, re.MULTILINE)
            if found is not None:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the host did not start:\n{self.output}")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Ask it to end; return its exit code and how many seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_SECONDS)
        return code, time.monotonic() - begun

    def exit_code(self) -> int:
        """Wait for it to end by itself."""
        return self.process.wait(PATIENCE_SECONDS)
