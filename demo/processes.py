"""Starts the local host and waits until it accepts work."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from demo.stories import FACTORY, RESOURCE_GROUP, SUBSCRIPTION

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0


class HostDidNotStart(Exception):
    """The host ended, or did not answer in time; the message has what it said."""


@contextmanager
def local_host(
    data_dir: Path, *, port: int, settings: Mapping[str, str], log: Path
) -> Iterator[str]:
    """Run the host on ``data_dir`` while the block runs; yield its URL.

    Args:
        port: 0 takes a free one.
        settings: Environment variables beside the machine's own.
        log: File that gets what the host prints.

    Raises:
        HostDidNotStart: with the end of its log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "localhost", "--port", str(port), "--data", str(data_dir)]
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
        try:
            url = _address(process, log)
            reader = threading.Thread(target=_copy, args=(process, log), daemon=True)
            reader.start()
            _await_health(url, process, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def settings_for(adf_url: str) -> dict[str, str]:
    """Return settings that point the app at the simulator and keep its pace brisk."""
    return {
        "MEND_ADF_BASE_URL": adf_url,
        "MEND_ADF_TOKEN": "simulated",
        "MEND_ADF_SUBSCRIPTION_ID": SUBSCRIPTION,
        "MEND_ADF_RESOURCE_GROUP": RESOURCE_GROUP,
        "MEND_ADF_FACTORY": FACTORY,
        "MEND_POLL_SECONDS": "0.5",
        "MEND_BACKOFF_SECONDS": "1",
    }


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None  # noqa: S101 - asked for with PIPE
    for line in process.stdout:
        with log.open("a") as copy:
            copy.write(line)
        if line.startswith("Listening on "):
            return line.split()[2]
    process.wait()
    raise HostDidNotStart(f"the host ended with code {process.returncode}:\n{_tail(log)}")


def _copy(process: subprocess.Popen[str], log: Path) -> None:
    # Somebody has to read, or the host stops at a full pipe.
    assert process.stdout is not None  # noqa: S101
    with log.open("a") as copy:
        for line in process.stdout:
            copy.write(line)


def _await_health(url: str, process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/api/health", timeout=2, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise HostDidNotStart(f"the host does not answer at {url}:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text().splitlines()[-30:])
