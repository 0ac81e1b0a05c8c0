"""The Data Factory connector on the wire: the real SDK against the simulator.

Every fault has a declared meaning, and the simulator's ledger says how many
requests were really sent.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.connectors.adf import DataFactory, factory_of
from shared.connectors.azure_wire import retry_after_seconds
from shared.domain.alert import Platform, Resource, TimeWindow
from shared.domain.analysis import RerunSafety
from shared.domain.errors import OutcomeUnknown, Refused, Transient
from shared.domain.run import RunPhase
from shared.policy.safety import detect
from simulators.client import AdfSimulator
from tests.support.builders import SCOPE

NAME = "load_orders"
PLACE = Resource(platform=Platform.ADF, scope=SCOPE, kind="pipeline", name=NAME)


@pytest.fixture
async def factory(adf: AdfSimulator) -> AsyncIterator[DataFactory]:
    """Yield the connector, pointed at the simulator."""
    connector = DataFactory(adf.url, "a-token", timeout_seconds=2)
    yield connector
    await connector.close()


def seeded(adf: AdfSimulator, **fields: object) -> str:
    """Return the id of a run that has failed."""
    return adf.seed_failed_run(NAME, **fields).run_id  # type: ignore[arg-type]


def around_now() -> TimeWindow:
    """Return an hour around the present."""
    now = datetime.now(UTC)
    return TimeWindow(start=now - timedelta(minutes=30), end=now + timedelta(minutes=30))


async def test_a_run_is_read(adf: AdfSimulator, factory: DataFactory) -> None:
    """Id, name, group and status come through; times are aware."""
    run_id = seeded(adf, parameters={"day": "2026-11-20"})
    same = seeded(adf, parameters={"day": "2026-11-20"})
    other = seeded(adf, parameters={"day": "2026-11-21"})

    run = await factory.run(PLACE, run_id)

    assert run is not None
    assert (run.run_id, run.name, run.phase) == (run_id, NAME, RunPhase.FAILED)
    keys = [(await factory.run(PLACE, one)) for one in (run_id, same, other)]
    assert [one.parameters_key == run.parameters_key for one in keys if one] == [True, True, False]
    assert run.group_id
    assert run.started_at is not None
    assert run.started_at.tzinfo is not None


async def test_an_unknown_run_is_none(factory: DataFactory) -> None:
    """A 404 for a run is an answer, not a failure."""
    assert await factory.run(PLACE, "00000000-0000-4000-8000-00000000dead") is None


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("Succeeded", RunPhase.SUCCEEDED),
        ("Failed", RunPhase.FAILED),
        ("Cancelled", RunPhase.CANCELLED),
        ("Queued", RunPhase.ACTIVE),
        ("InProgress", RunPhase.ACTIVE),
        ("Canceling", RunPhase.ACTIVE),
        ("Hibernating", RunPhase.ACTIVE),
    ],
)
async def test_statuses(
    adf: AdfSimulator, factory: DataFactory, status: str, phase: RunPhase
) -> None:
    """A status nobody has heard of is not an end."""
    run_id = adf.seed_run(NAME, status).run_id

    run = await factory.run(PLACE, run_id)

    assert run is not None
    assert (run.status, run.phase) == (status, phase)


async def test_the_failed_activity_is_named(adf: AdfSimulator, factory: DataFactory) -> None:
    """Its error code and message are what the service says, word for word."""
    run_id = seeded(adf, activity="Copy orders", error_code="2200", message="ErrorCode=X,inner")
    run = await factory.run(PLACE, run_id)
    assert run is not None

    (failure,) = await factory.failures(PLACE, run)

    assert (failure.step, failure.error_code) == ("Copy orders", "2200")
    assert failure.message == "ErrorCode=X,inner"


async def test_runs_of_one_pipeline_newest_first(adf: AdfSimulator, factory: DataFactory) -> None:
    """Other pipelines' runs are left out, and all pages are read."""
    ids = [
        adf.seed_run(NAME, "Failed", started_seconds_ago=float(1000 - n)).run_id for n in range(120)
    ]
    adf.seed_run("something_else", "Failed")

    found = await factory.runs(PLACE, NAME, around_now())

    assert [run.run_id for run in found] == ids[::-1]


@pytest.mark.parametrize("from_failure", [True, False])
async def test_a_rerun_is_a_recovery_of_the_failed_run(
    adf: AdfSimulator, factory: DataFactory, from_failure: bool
) -> None:
    """It joins the failed run's group and says where to start."""
    reference = adf.seed_failed_run(NAME)
    adf.script(NAME, ["Succeeded"])

    run_id = await factory.rerun(PLACE, NAME, reference.run_id, from_failure=from_failure)

    (call,) = adf.ledger("createRun")
    assert call.effect == run_id
    query = {key.lower(): value for key, value in call.query.items()}
    assert query["referencepipelinerunid"] == reference.run_id
    assert query["isrecovery"].lower() == "true"
    assert ("startfromfailure" in query) is from_failure
    assert {run.group_id for run in adf.runs()} == {reference.group_id}


@pytest.mark.parametrize(
    ("fault", "meaning", "runs"),
    [
        ("refuse_503", OutcomeUnknown, 0),
        ("error_500_before", OutcomeUnknown, 0),
        ("html_502_before", OutcomeUnknown, 0),
        ("reset_before", OutcomeUnknown, 0),
        ("throttle_429", Transient, 0),
        ("conflict_409_retry_after", Transient, 0),
        ("unauthorized_401", Refused, 0),
        ("forbidden_403", Refused, 0),
        ("not_found_404", Refused, 0),
        ("lose_answer_504", OutcomeUnknown, 1),
        ("lose_answer_503", OutcomeUnknown, 1),
        ("reset_after", OutcomeUnknown, 1),
        ("html_200", OutcomeUnknown, 1),
        ("html_502", OutcomeUnknown, 1),
        ("truncated_json", OutcomeUnknown, 1),
        ("wrong_schema", OutcomeUnknown, 1),
        ("hold", OutcomeUnknown, 1),
    ],
)
async def test_what_a_failed_start_means(
    adf: AdfSimulator, factory: DataFactory, fault: str, meaning: type[Exception], runs: int
) -> None:
    """Only what provably never happened may be sent again; nothing is sent twice by itself."""
    reference = seeded(adf)
    adf.script(NAME, ["Succeeded"])
    adf.fault("createRun", fault, times=5, seconds=4)

    with pytest.raises(meaning):
        await factory.rerun(PLACE, NAME, reference, from_failure=True)

    assert len(adf.ledger("createRun")) == 1
    assert len(adf.effects("createRun")) == runs


async def test_a_refused_connection_never_left() -> None:
    """Nobody listens: nothing can have happened."""
    connector = DataFactory("http://127.0.0.1:9", "a-token", timeout_seconds=2)

    with pytest.raises(Transient):
        await connector.rerun(PLACE, NAME, "r1", from_failure=True)
    with pytest.raises(Transient):
        await connector.run(PLACE, "r1")
    await connector.close()


@pytest.mark.parametrize(
    ("fault", "meaning"),
    [
        ("refuse_503", Transient),
        ("error_500_before", Transient),
        ("throttle_429", Transient),
        ("html_200", Transient),
        ("truncated_json", Transient),
        ("reset_after", Transient),
        ("hold", Transient),
        ("wrong_schema", Transient),
        ("unauthorized_401", Refused),
        ("forbidden_403", Refused),
    ],
)
async def test_what_a_failed_read_means(
    adf: AdfSimulator, factory: DataFactory, fault: str, meaning: type[Exception]
) -> None:
    """A bad answer is asked for again; a refusal is not."""
    run_id = seeded(adf)
    adf.fault("*", fault, times=5, seconds=4)

    with pytest.raises(meaning):
        await factory.run(PLACE, run_id)


async def test_throttling_tells_how_long(adf: AdfSimulator, factory: DataFactory) -> None:
    """The pause the service asks for reaches the caller."""
    reference = seeded(adf)
    adf.fault("createRun", "throttle_429", retry_after=17)

    with pytest.raises(Transient) as caught:
        await factory.rerun(PLACE, NAME, reference, from_failure=True)

    assert caught.value.retry_after_seconds == 17


async def test_a_missing_token_is_refused() -> None:
    """A wrong credential is a person's business, not a reason to try again."""
    with AdfSimulator.start(token="right") as guarded:
        connector = DataFactory(guarded.url, "wrong", timeout_seconds=2)
        with pytest.raises(Refused, match="401"):
            await connector.run(PLACE, "r1")
        await connector.close()


def test_a_partial_factory_id_names_the_settings() -> None:
    """The message tells what to do about it."""
    with pytest.raises(Refused, match="MEND_ADF_SUBSCRIPTION_ID"):
        factory_of("/factories/adf-sales")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("30", 30),
        ("0", 0),
        ("1.5", 1.5),
        ("-5", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("99999", 900),
        ("Fri, 20 Nov 2026 02:08:11 GMT", 60),
        ("Fri, 20 Nov 2020 02:08:11 GMT", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    """Seconds and dates are understood, nonsense is ignored, the wait is capped."""
    now = datetime(2026, 11, 20, 2, 7, 11, tzinfo=UTC)

    assert retry_after_seconds(header, now=now) == seconds


async def test_a_run_is_cancelled(adf: AdfSimulator, factory: DataFactory) -> None:
    """One that is over already is no trouble; one that is not there is."""
    adf.script(NAME, [{"status": "Succeeded", "seconds": 60}])
    going_on = await factory.rerun(PLACE, NAME, seeded(adf), from_failure=True)
    over = seeded(adf)

    await factory.cancel(PLACE, going_on)
    await factory.cancel(PLACE, over)
    with pytest.raises(Refused):
        await factory.cancel(PLACE, "00000000-0000-4000-8000-00000000dead")

    run = await factory.run(PLACE, going_on)
    assert run is not None
    assert run.phase in {RunPhase.CANCELLED, RunPhase.ACTIVE}
    assert adf.effects("cancelPipelineRun") == [going_on]


async def test_failed_runs_of_the_whole_factory_are_listed(
    adf: AdfSimulator, factory: DataFactory
) -> None:
    """Of every pipeline, and only what failed."""
    wanted = {seeded(adf), adf.seed_failed_run("another").run_id}
    adf.seed_run(NAME)
    adf.seed_failed_run("long ago", started_seconds_ago=7200.0)

    found = await factory.failed_runs(PLACE, around_now())

    assert {run.run_id for run in found} == wanted


async def test_the_output_of_an_activity_is_read(adf: AdfSimulator, factory: DataFactory) -> None:
    """By its name in any case; an activity that is not there has none."""
    adf.script(NAME, activities=["Copy orders"])
    seed = adf.seed_run(NAME, outputs={"Copy orders": {"rowsCopied": 7}})
    run = await factory.run(PLACE, seed.run_id)
    assert run is not None

    assert await factory.output(PLACE, run, "copy Orders") == {"rowsCopied": 7}
    assert await factory.output(PLACE, run, "nobody") is None


@pytest.mark.parametrize("fault", ["lose_answer_504", "reset_before", "truncated_json"])
async def test_a_cancel_whose_answer_is_lost_is_not_taken_for_done(
    adf: AdfSimulator, factory: DataFactory, fault: str
) -> None:
    """Cancelling again does no harm, so the caller is told to."""
    adf.script(NAME, [{"status": "Succeeded", "seconds": 60}])
    going_on = await factory.rerun(PLACE, NAME, seeded(adf), from_failure=True)
    adf.fault("cancelPipelineRun", fault)

    with pytest.raises((Transient, OutcomeUnknown)):
        await factory.cancel(PLACE, going_on)
    await factory.cancel(PLACE, going_on)


async def test_a_definition_shows_what_a_rerun_would_do(
    adf: AdfSimulator, factory: DataFactory
) -> None:
    """As the service answers it, through the SDK."""
    sink = {"type": "AzureSqlSink", "writeBehavior": "upsert"}
    copy = {"name": "Copy", "type": "Copy", "type_properties": {"sink": sink, "source": {}}}
    adf.script(NAME, activities=[{"name": "Look", "type": "Lookup"}, copy])
    adf.script("odd", activities=[{"name": "Run", "type": "ExecuteDataFlow"}])

    assert detect(await factory.definition(PLACE, NAME)) is RerunSafety.IDEMPOTENT
    assert detect(await factory.definition(PLACE, "odd")) is RerunSafety.UNKNOWN
    with pytest.raises(Refused):
        await factory.definition(PLACE, "nobody")
