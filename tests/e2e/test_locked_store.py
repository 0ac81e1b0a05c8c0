"""Somebody holds the store's file: senders are asked to come again, and nothing is lost."""

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from demo.processes import HostProcess
from simulators.client import AdfSimulator
from tests.support.mend import Mend, brisk

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("BASE_URL")) or os.environ.get("MEND_STORE") == "cosmos",
    reason="needs a file of its own",
)
SENDERS = 8


@pytest.mark.timeout(120)
def test_who_cannot_be_served_is_asked_to_come_again(adf: AdfSimulator, tmp_path: Path) -> None:
    """503 with Retry-After to everybody, 202 afterwards, a ticket each."""
    data = tmp_path / "data"
    with HostProcess(data, brisk(adf.url)) as host, Mend(host.url) as mend:
        bodies = [{"title": f"disk {number} is full"} for number in range(SENDERS)]
        mend.post({"title": "the first of all"}, "generic")
        with (
            closing(sqlite3.connect(data / "mend.db", isolation_level=None)) as somebody,
            ThreadPoolExecutor(SENDERS) as senders,
        ):
            somebody.execute("BEGIN IMMEDIATE")
            refused = list(senders.map(lambda body: mend.post(body, "generic"), bodies))
            somebody.execute("ROLLBACK")
            accepted = list(senders.map(lambda body: mend.post(body, "generic"), bodies))
        titles = {one["title"] for one in mend.tickets()}

    assert {one.status_code for one in refused} == {503}, refused[0].text
    assert all(int(one.headers["Retry-After"]) > 0 for one in refused)
    assert {one.status_code for one in accepted} == {202}
    assert titles == {"the first of all", *(body["title"] for body in bodies)}
