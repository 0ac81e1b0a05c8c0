"""kill -9 at random moments under load: nothing acknowledged is lost, nothing is wrong.

Moments, kinds and order come from one seed, so a failure can be run again (the machine
decides the rest). What is checked at the end: every start that was answered 2xx has
completed with the result known beforehand, no task has two results, the file is whole,
and nothing is left over in it.
"""

import contextlib
import json
import os
import random
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.crash.process import PATIENCE_SECONDS, HostProcess

RESULTS: dict[str, object] = {
    "chain": 5,
    "fan": [55, "ok", 3136],
    "monitor": 8,
    "approval": "yes",
}
API = "/runtime/webhooks/durabletask"


@dataclass
class Load:
    """Starts instances for as long as it is told to, whatever the host goes through."""

    random: random.Random
    pause_seconds: float
    url: str = ""
    acknowledged: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Start no more."""
        self._stop.set()
        self._thread.join(PATIENCE_SECONDS)

    def _run(self) -> None:
        number = 0
        with httpx.Client(timeout=5) as client:
            while not self._stop.wait(self.pause_seconds):
                kind = self.random.choice(sorted(RESULTS))
                instance_id = f"{kind}-{number}"
                number += 1
                while not self._stop.is_set() and not self._start(client, kind, instance_id):
                    time.sleep(0.05)

    def _start(self, client: httpx.Client, kind: str, instance_id: str) -> bool:
        """Try once; repeating is safe, because the id is ours."""
        try:
            answer = client.post(f"{self.url}/api/start/{kind}/{instance_id}")
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        if answer.status_code in (200, 202):
            self.acknowledged[instance_id] = kind
            return True
        if answer.status_code not in (500, 503):
            self.refused.append(f"{instance_id}: {answer.status_code} {answer.text}")
        return False


def run(folder: Path, seed: int, kills: int, pause_seconds: float) -> None:
    """Start, kill, start again; then let everything end, and look."""
    dice = random.Random(seed)
    data = folder / "data"
    load = Load(random.Random(seed + 1), pause_seconds)
    for number in range(kills):
        host = HostProcess(data, folder / f"host-{number}.log")
        if dice.random() < 0.2:
            # Somewhere in its start or its recovery.
            time.sleep(dice.uniform(0.2, 1.5))
        else:
            load.url = host.url()
            time.sleep(dice.uniform(0.05, 0.8))
        host.kill()
    host = HostProcess(data, folder / "host-last.log")
    load.url = host.url()
    load.stop()
    finish(load)
    code, seconds = host.stop()

    assert load.refused == []
    assert (code, seconds < 10) == (0, True), host.output
    look_into(data / "hub" / "hub.db", load)


def finish(load: Load) -> None:
    """Answer every approval until every instance has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    with httpx.Client(base_url=load.url, timeout=10) as client:
        waiting = set(load.acknowledged)
        while waiting and time.monotonic() < deadline:
            for instance_id in sorted(waiting):
                row = client.get(f"{API}/instances/{instance_id}").json()
                if row["runtimeStatus"] in ("Completed", "Failed", "Terminated"):
                    waiting.discard(instance_id)
                elif load.acknowledged[instance_id] == "approval":
                    with contextlib.suppress(httpx.HTTPError):
                        client.post(f"{API}/instances/{instance_id}/raiseEvent/Answer", json=1)
        assert waiting == set()
        settle(client, deadline)


def settle(client: httpx.Client, deadline: float) -> None:
    """Wait until also the sub-orchestrations have ended."""
    while time.monotonic() < deadline:
        query = "runtimeStatus=Running,Pending,Suspended&top=1"
        if client.get(f"{API}/instances?{query}").json() == []:
            return
        time.sleep(0.05)


def look_into(path: Path, load: Load) -> None:
    """Check results and what is left in the file."""
    connection = sqlite3.connect(path)
    rows = dict(connection.execute("SELECT id, output FROM instances").fetchall())
    history = connection.execute("SELECT instance_id, event FROM history").fetchall()
    left = {
        table: connection.execute(f"SELECT * FROM {table}").fetchall()
        for table in ("inbox", "tasks")
    }
    whole = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()

    wrong = {
        instance_id: rows.get(instance_id)
        for instance_id, kind in load.acknowledged.items()
        if json.loads(rows.get(instance_id) or "null") != RESULTS[kind]
    }
    assert wrong == {}
    assert left == {"inbox": [], "tasks": []}
    assert whole == [("ok",)]
    assert twice(history) == []
    assert len(load.acknowledged) > 20, "there was hardly any load"


def twice(history: list[tuple[str, str]]) -> list[tuple[str, object]]:
    """Return tasks that have more than one result."""
    seen: set[tuple[str, object]] = set()
    doubled = []
    for instance_id, text in history:
        event = json.loads(text)
        if event["EventType"] in (5, 6):
            key = (instance_id, event["TaskScheduledId"])
            if key in seen:
                doubled.append(key)
            seen.add(key)
    return doubled


@pytest.mark.timeout(300)
def test_thirty_kills_under_load_lose_nothing(tmp_path: Path) -> None:
    """A minute of power cuts."""
    seed = int(os.environ.get("CRASH_SEED", "20261120"))
    run(tmp_path, seed, kills=30, pause_seconds=0.03)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_five_hundred_kills_under_load_lose_nothing(tmp_path: Path) -> None:
    """Half an hour of power cuts."""
    seed = int(os.environ.get("CRASH_SEED", "20261121"))
    run(tmp_path, seed, kills=500, pause_seconds=0.1)
