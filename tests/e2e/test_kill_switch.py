"""The kill switch, turned in the middle of everything."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from demo.processes import HostProcess
from simulators.client import AdfSimulator
from tests.e2e.test_healing import HEALS, NETWORK
from tests.support.mend import Mend

FLIPS = 100
AT_ONCE = 4
LOOK_SECONDS = 0.1


@pytest.fixture
def busy(own_host: HostProcess) -> Iterator[Mend]:
    """Yield a Mend that nobody else uses."""
    own_host.start()
    with Mend(own_host.url) as mend:
        yield mend


@pytest.mark.timeout(300)
def test_nothing_is_sent_after_it(adf: AdfSimulator, busy: Mend) -> None:
    """At 100 random moments under load: once it is answered, no rerun reaches the factory."""
    randomly, number = random.Random(21), count()
    longest = 1.5 * seconds_to_send(adf, busy)
    stopped_in_time = 0
    with ThreadPoolExecutor(AT_ONCE) as senders:
        for _ in range(FLIPS):
            runs = [
                adf.seed_failed_run(
                    f"busy_{next(number)}", error_code="2200", message=NETWORK["message"]
                )
                for _ in range(AT_ONCE)
            ]
            for run in runs:
                adf.script(run.pipeline, [HEALS])
            before = len(adf.ledger("createRun"))
            reports = [senders.submit(busy.report, run) for run in runs]
            time.sleep(randomly.uniform(0, longest))

            busy.put("kill-switch", {"on": True, "reason": "now"})
            at_once = len(adf.ledger("createRun"))
            time.sleep(LOOK_SECONDS)
            later = len(adf.ledger("createRun"))

            for report in reports:
                report.result()
            assert later == at_once
            stopped_in_time += at_once - before < AT_ONCE
            busy.put("kill-switch", {"on": False})
    # Some moments were before the send and some after it, or this has shown nothing.
    assert 0 < stopped_in_time < FLIPS


def seconds_to_send(adf: AdfSimulator, busy: Mend) -> float:
    """Return how long it takes here from reports to the last rerun, as many at once as later."""
    runs = [
        adf.seed_failed_run(f"first_{one}", error_code="2200", message=NETWORK["message"])
        for one in range(AT_ONCE)
    ]
    for run in runs:
        adf.script(run.pipeline, [HEALS])
    began = time.monotonic()
    for run in runs:
        busy.report(run)
    while len(adf.ledger("createRun")) < AT_ONCE:
        time.sleep(0.01)
    return time.monotonic() - began
