"""The timers, with the real durable client against the local host."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import httpx
import pytest

from localhost.host import Host
from shared.domain.audit import Head
from shared.domain.event import UNDO, OutboxItem
from shared.domain.run import RunPhase
from shared.domain.ticket import Change
from shared.ports.orchestrations import Standing
from shared.stores.memory import MemoryStore
from shared.usecases.episode import claim_episode
from shared.usecases.verify_audit import verify_audit
from tests.support.builders import NOW, StoppedClock, a_run, an_opening
from tests.usecases.test_pull_failures import Feed
from triggers import housekeeping, starter
from triggers.starter import DurableOrchestrations, run_errands

ID = "TIK-20261120-000001"
FIRST, SECOND = f"rem-{ID}-1", f"rem-{ID}-2"
TIMER: Any = None


@dataclass
class Services:
    """What the timers need."""

    store: MemoryStore = field(default_factory=MemoryStore)
    clock: StoppedClock = field(default_factory=StoppedClock)
    started_at: datetime = NOW
    feeds: tuple[Feed, ...] = ()
    remedies: dict[str, Any] = field(default_factory=dict)

    def new_ticket_id(self, _: object) -> str:
        """Return the only id there is."""
        return ID


@pytest.fixture
def using(monkeypatch: pytest.MonkeyPatch) -> Services:
    """Return the services of the timers."""
    services = Services()
    for module in (housekeeping, starter):
        monkeypatch.setattr(module, "services", lambda: services)
    return services


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """Yield a host whose remediation waits for a word."""
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.orchestration_trigger(context_name="context")  # type: ignore[untyped-decorator]
    def remediate(context: Any) -> Any:
        return (yield context.wait_for_external_event("word"))

    @app.route(route="keep", methods=["POST"])
    @app.durable_client_input(client_name="client")  # type: ignore[untyped-decorator]
    async def keep(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> str:  # noqa: ARG001
        KEPT.append(client)
        return "kept"

    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    async with Host(app=app, app_dir=tmp_path, data_dir=tmp_path / "data") as running:
        yield running


KEPT: list[df.DurableOrchestrationClient] = []


@pytest.fixture
async def client(host: Host) -> df.DurableOrchestrationClient:
    """Return the SDK's client, as a function gets it."""
    KEPT.clear()
    async with httpx.AsyncClient(base_url=host.url) as http:
        await http.post("/api/keep")
    return KEPT[0]


async def runs(timer: Any, client: df.DurableOrchestrationClient) -> None:
    """Let a timer fire."""
    await timer.build().get_user_function().client_function(TIMER, client)


async def alive(client: df.DurableOrchestrationClient, instance_id: str) -> bool:
    """Tell whether an instance is at work, or about to be."""
    standing = await DurableOrchestrations(client).standing(instance_id)
    return standing in {Standing.PENDING, Standing.RUNNING}


async def over(client: df.DurableOrchestrationClient, instance_id: str) -> None:
    """Wait until an instance has ended."""
    async with asyncio.timeout(20):
        while await alive(client, instance_id):  # noqa: ASYNC110  nobody signals it
            await asyncio.sleep(0.01)


async def test_what_waits_in_the_outbox_is_started_once(
    using: Services, client: df.DurableOrchestrationClient
) -> None:
    """A second timer finds nothing to do."""
    await using.store.create(an_opening(ID))
    started = await using.store.get(ID)
    change = started.changed(using.clock.now(), "t", "m")
    await using.store.update(ID, lambda _: Change(change.ticket, change.events, (started.start,)))

    await runs(housekeeping.sweep_outbox, client)
    again = await run_errands(client)

    assert await alive(client, FIRST)
    assert (await using.store.errands(), again) == ([], 0)


async def test_an_errand_that_cannot_be_done_stays_and_holds_up_nobody(
    using: Services, client: df.DurableOrchestrationClient
) -> None:
    """It is tried again with the next tick."""
    await using.store.create(an_opening(ID))
    started = await using.store.get(ID)
    change = started.changed(using.clock.now(), "t", "m")
    strange = OutboxItem(id="x", kind="no such kind")
    impossible = OutboxItem(id="y", kind=UNDO, payload={"attempt": "7"})
    errands = (strange, impossible, started.start)
    await using.store.update(ID, lambda _: Change(change.ticket, change.events, errands))

    done = await run_errands(client)

    assert done == 1
    assert [one.item.id for one in await using.store.errands()] == ["x", "y"]


async def test_a_lost_orchestration_is_replaced(
    using: Services, client: df.DurableOrchestrationClient
) -> None:
    """It ended, its ticket did not; the new one has an id of its own and runs."""
    await using.store.create(an_opening(ID))
    await client.start_new("remediate", FIRST)
    await claim_episode(ID, FIRST, using.store, using.clock)
    using.clock.advance(minutes=3)
    await runs(housekeeping.sweep_tickets, client)
    assert (await using.store.get(ID)).episode.number == 1  # it is alive

    await client.terminate(FIRST, "by hand")
    await over(client, FIRST)
    await runs(housekeeping.sweep_tickets, client)

    assert (await using.store.get(ID)).episode.number == 2
    assert await alive(client, SECOND)


async def test_one_that_is_silent_for_too_long_is_stopped_first(
    using: Services, client: df.DurableOrchestrationClient
) -> None:
    """Two must not work on one ticket."""
    await using.store.create(an_opening(ID))
    await client.start_new("remediate", FIRST)
    using.clock.advance(hours=3)

    await runs(housekeeping.sweep_tickets, client)

    await over(client, FIRST)
    assert await alive(client, SECOND)


async def test_a_failed_run_that_nobody_reported_is_taken_up(
    using: Services, client: df.DurableOrchestrationClient
) -> None:
    """Beside a workspace that does not answer."""
    dead, well = Feed(), Feed()
    dead.problem = RuntimeError("no answer")
    run = a_run("r1", RunPhase.FAILED)
    ended = using.clock.now() - timedelta(minutes=5)
    well.runs.append(run.model_copy(update={"ended_at": ended}))
    using.feeds = (dead, well)

    await runs(housekeeping.pull_failed_runs, client)

    assert (await using.store.get(ID)).resource.run_id == "r1"
    assert await alive(client, FIRST)


async def test_the_end_of_the_trail_is_in_the_log(
    using: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """Who cuts the end off, or writes it anew, is found out by what was logged."""
    caplog.set_level("INFO")
    note_head = housekeeping.note_audit_head._function.get_user_function()
    await note_head(TIMER)
    assert caplog.records == []
    for number in range(3):
        await using.store.create(an_opening(f"TIK-{number}"))
    await note_head(TIMER)
    (line,) = caplog.records
    logged: Any = vars(line)
    noted = Head(seq=logged["audit_seq"], hash=logged["audit_hash"])

    assert (await verify_audit(using.store, noted=noted)).whole
    using.store._audit.pop()
    assert (await verify_audit(using.store)).whole
    assert "ends before entry 3" in (await verify_audit(using.store, noted=noted)).problem
    await using.store.create(an_opening("TIK-4"))
    assert "is not the one" in (await verify_audit(using.store, noted=noted)).problem


async def test_old_histories_are_forgotten(
    using: Services, client: df.DurableOrchestrationClient
) -> None:
    """Those that have ended, a month after their start; a running one stays."""
    for name in ("ended", "running"):
        await client.start_new("remediate", name)
    await client.raise_event("ended", "word", None)
    await over(client, "ended")
    standing = DurableOrchestrations(client).standing

    await runs(housekeeping.purge_histories, client)
    assert await standing("ended") is Standing.OVER
    using.clock.at += timedelta(days=3650)
    await runs(housekeeping.purge_histories, client)

    assert await standing("ended") is Standing.UNKNOWN
    assert await standing("running") is Standing.RUNNING
