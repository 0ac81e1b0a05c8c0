"""The stories with ``MEND_STORE=cosmos``, against npm's Cosmos server through Azure's own SDK.

tests/support/cosmos.py says which of the server's gaps are closed, and which stay.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from demo.processes import HostProcess
from simulators.client import AdfSimulator, DatabricksSimulator
from tests.e2e.conftest import BASE_URL
from tests.e2e.test_databricks import STOCKOUT, WELL, effects, failed, healed
from tests.e2e.test_exactly_once import await_call, is_settled
from tests.e2e.test_healing import HEALS, NETWORK, started
from tests.support.cosmos import KEY, CosmosServer, cosmos_server
from tests.support.mend import Mend, brisk, web_activity, workspace

__all__ = ["cosmos_server"]


@pytest.fixture
def host(
    adf: AdfSimulator,
    databricks: DatabricksSimulator,
    cosmos_server: CosmosServer,
    tmp_path: Path,
) -> Iterator[HostProcess]:
    """Yield a host with an empty store; not started yet."""
    if BASE_URL:
        pytest.skip("has a store of its own, and BASE_URL names somebody else's host")
    cosmos_server.well()
    settings = {
        "MEND_STORE": "cosmos",
        "COSMOS_ENDPOINT": cosmos_server.url,
        "COSMOS_DATABASE": f"mend-{time.time_ns()}",
        "COSMOS_KEY": KEY,
    }
    found = HostProcess(tmp_path / "data", brisk(adf.url, **workspace(databricks.url), **settings))
    yield found
    found.stop()


@pytest.fixture
def api(host: HostProcess) -> Iterator[Mend]:
    """Yield the API of a host that runs."""
    host.start()
    with Mend(host.url) as mend:
        yield mend


def test_a_pipeline_is_healed(adf: AdfSimulator, api: Mend) -> None:
    """One rerun; the ticket, its timeline, the counts and the trail tell the same."""
    run = adf.seed_failed_run("orders", error_code="2200", message=NETWORK["message"])
    adf.script("orders", [HEALS])

    ticket = api.await_end(api.report(run))

    assert (ticket["outcome"], started(adf, "orders")) == ("healed", 1)
    events = api.events(ticket["id"])
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
    assert [one["id"] for one in api.tickets(q="orders", status="resolved")] == [ticket["id"]]
    facets = api.http.get("/v1/tickets/facets").json()
    assert facets["status"] == {"resolved": 1}
    trail = api.http.get("/v1/audit", params={"subject": ticket["id"]}).json()["items"]
    assert [one["action"] for one in trail] == [one["type"] for one in events]
    assert api.http.get("/v1/audit/verify").json()["whole"] is True
    assert api.http.get("/ready").json()["checks"]["store"] == "ok"


def test_a_job_is_healed(databricks: DatabricksSimulator, api: Mend) -> None:
    """By one repair."""
    healed(api, failed(databricks, STOCKOUT, WELL))

    assert effects(databricks) == {"repairRun": 1}


def test_a_storm_opens_one_ticket(adf: AdfSimulator, api: Mend) -> None:
    """The claims decide, the count is exact."""
    run = adf.seed_failed_run("storm", error_code="2200", message=NETWORK["message"])
    adf.script("storm", [HEALS])
    body = web_activity(run)

    with ThreadPoolExecutor(32) as senders:
        answers = list(senders.map(lambda _: api.post(body), range(200)))

    assert {answer.status_code for answer in answers} == {202}
    said = [answer.json()["tickets"][0] for answer in answers]
    assert len({one["ticket_id"] for one in said}) == 1
    assert [one["disposition"] for one in said].count("opened") == 1
    ticket = api.await_end(said[0]["ticket_id"])
    assert (ticket["outcome"], ticket["duplicate_count"]) == ("healed", 199)
    assert started(adf, "storm") == 1


def test_killed_between_call_and_record(adf: AdfSimulator, host: HostProcess) -> None:
    """The factory has started the run, we never heard: after the restart it is found."""
    run = adf.seed_failed_run("killed", error_code="2200", message=NETWORK["message"])
    adf.script("killed", [HEALS])
    adf.fault("createRun", "hold", match="killed", seconds=30)
    host.start()
    with Mend(host.url) as mend:
        ticket_id = mend.report(run)
    await_call(adf, "killed")

    host.kill()
    host.start()

    with Mend(host.url) as mend:
        ticket = mend.await_end(ticket_id)
    assert (ticket["outcome"], started(adf, "killed")) == ("healed", 1)
    assert [ticket["attempts"][0]["external_run_id"]] == adf.effects("createRun")


def test_a_throttling_account_delays_and_loses_nothing(
    adf: AdfSimulator, api: Mend, cosmos_server: CosmosServer
) -> None:
    """Every answer of the account is late or lost for a while."""
    run = adf.seed_failed_run("slow", error_code="2200", message=NETWORK["message"])
    adf.script("slow", [HEALS])
    cosmos_server.fault(status=429, times=40, retry_after_ms=20)

    ticket_id = api.report(run)
    cosmos_server.fault(lose=True, times=10, match="is-batch-request")

    ticket = api.await_end(ticket_id)
    assert (ticket["outcome"], started(adf, "slow")) == ("healed", 1)
    events = api.events(ticket_id)
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
    assert api.http.get("/v1/audit/verify").json()["whole"] is True


def test_an_account_that_is_away_is_a_503(
    adf: AdfSimulator, api: Mend, cosmos_server: CosmosServer
) -> None:
    """Nothing is accepted, and the sender is told to come again."""
    run = adf.seed_failed_run("away", error_code="2200", message=NETWORK["message"])
    cosmos_server.fault(status=403, times=10_000)

    answer = api.post(web_activity(run))

    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    cosmos_server.well()
    assert api.tickets() == []


@pytest.mark.long
@pytest.mark.parametrize("round_", range(3))
def test_killed_at_any_time(adf: AdfSimulator, host: HostProcess, round_: int) -> None:
    """Several tickets on their way, the host killed again and again: never a second run."""
    names = [f"load_{round_}_{number}" for number in range(5)]
    runs = [
        adf.seed_failed_run(name, error_code="2200", message=NETWORK["message"]) for name in names
    ]
    for name in names:
        adf.script(name, [HEALS])
    host.start()
    with Mend(host.url) as mend:
        ids = [mend.report(run) for run in runs]

    for kill in range(4):
        time.sleep(0.1 + 0.17 * kill + 0.06 * round_)  # the moments to be killed at
        host.kill()
        host.start()

    with Mend(host.url) as mend:
        for name, ticket_id in zip(names, ids, strict=True):
            ticket = mend.await_ticket(ticket_id, lambda one: is_settled(one, adf), seconds=90)
            assert started(adf, name) <= 1
            if started(adf, name):
                assert ticket["outcome"] == "healed"
        assert mend.http.get("/v1/audit/verify").json()["whole"] is True
