"""A Logic App carries the action out; the system of record is believed."""

from collections.abc import Mapping
from typing import cast

import pytest

from shared.domain.analysis import Action
from shared.domain.attempt import Attempt, AttemptState, Callback, StepKind, attempt_key
from shared.domain.run import Observation, RunPhase
from shared.ports.jobs import JobService
from shared.remedies.logic_app import RunLogicApp
from shared.remedies.registry import direct_remedies
from shared.remedies.step import Busy, Work
from tests.support.builders import NOW, RUN, StoppedClock, a_run, a_ticket
from tests.support.pipelines import ScriptedPipelines


class Recorder:
    """Both a Logic App that only takes notes, and our address."""

    url = "http://mend/api/remediation-callback"

    def __init__(self) -> None:
        self.bodies: list[Mapping[str, object]] = []

    async def start(self, body: Mapping[str, object], *, tracking_id: str) -> str | None:
        """See the protocol."""
        self.bodies.append({**body, "tracking_id": tracking_id})
        return "08585000"

    def token(self, ticket_id: str, attempt_number: int) -> str:
        """See the protocol."""
        return f"token of {ticket_id} {attempt_number}"


def the_step(adf: ScriptedPipelines, app: Recorder | None = None) -> RunLogicApp:
    """Return the step over ``adf``."""
    using = app or Recorder()
    direct = direct_remedies(adf, cast("JobService", None), StoppedClock())
    return RunLogicApp(using, using, adf, direct)


def the_work(**changes: object) -> Work:
    """Return an attempt that was sent to the Logic App."""
    attempt = Attempt(
        number=1,
        key=attempt_key("TIK-20261120-000001", 1),
        action=Action.RERUN_FROM_FAILURE,
        state=AttemptState.ISSUED,
        plan=(StepKind.RUN_LOGIC_APP,),
        target="load_customer_data",
        reference_run_id=RUN,
        group_id="group-1",
        known_run_ids=(RUN,),
        external_id="08585000",
        started_at=NOW,
        sent_at=NOW,
    ).model_copy(update=changes)
    seen = Observation(at=NOW, run=a_run())
    ticket = a_ticket().model_copy(update={"observation": seen, "attempts": (attempt,)})
    return Work(ticket, attempt)


def reported(run_id: str | None = None, *, success: bool = True, error: str = "") -> Callback:
    """Return what the Logic App says."""
    status = "Succeeded" if success else "Failed"
    return Callback(status=status, success=success, run_id=run_id, error=error or None, at=NOW)


async def test_the_request_says_all_that_the_contract_promises() -> None:
    """What to do, to what, and where to report."""
    app = Recorder()

    effect = await the_step(ScriptedPipelines(a_run()), app).send(the_work())

    (body,) = app.bodies
    assert body["ticket_id"] == "TIK-20261120-000001"
    assert (body["attempt_number"], body["action"]) == (1, "rerun_from_failure")
    assert body["callback_url"] == "http://mend/api/remediation-callback"
    assert body["callback_token"] == "token of TIK-20261120-000001 1"
    assert cast("dict[str, object]", body["resource"])["run_id"] == RUN
    assert cast("dict[str, object]", body["parameters"])["reference_run_id"] == RUN
    assert effect.external_id == "08585000"


async def test_somebody_elses_rerun_has_the_right_of_way_here_too() -> None:
    """What is looked at before is what would be looked at without a Logic App."""
    adf = ScriptedPipelines(a_run(), a_run("by-hand", RunPhase.ACTIVE, started_at=NOW))

    assert await the_step(adf).prepare(the_work()) == Busy("by-hand")


async def test_the_run_is_seen_before_any_callback() -> None:
    """Polling and callback lead to the same place; whichever comes first."""
    adf = ScriptedPipelines(a_run(), a_run("r2", RunPhase.ACTIVE, started_at=NOW))

    progress = await the_step(adf).look(the_work())

    assert (progress.phase, progress.run_id) == (RunPhase.ACTIVE, "r2")


async def test_a_run_that_the_callback_names_is_checked() -> None:
    """It counts when it is a run of the target that began after the request."""
    ours = a_run("r2", RunPhase.SUCCEEDED, started_at=NOW, group_id="other", by_trigger=True)
    adf = ScriptedPipelines(a_run(), ours)

    assert (await the_step(adf).look(the_work())).run_id is None
    assert (await the_step(adf).look(the_work(callback=reported("r2")))).run_id == "r2"


@pytest.mark.parametrize("named", [RUN, "strange", "nowhere"])
async def test_a_run_that_cannot_be_ours_is_not_believed(named: str) -> None:
    """Not the failed run itself, not another pipeline's, not one that nobody knows."""
    strange = a_run("strange", RunPhase.SUCCEEDED, started_at=NOW, by_trigger=True, group_id="x")
    adf = ScriptedPipelines(a_run(), strange.model_copy(update={"name": "another"}))

    progress = await the_step(adf).look(the_work(callback=reported(named)))

    assert (progress.phase, progress.run_id) == ("missing", None)


@pytest.mark.parametrize(
    ("said", "phase"),
    [(None, RunPhase.ACTIVE), (reported(success=False, error="no rights"), RunPhase.FAILED)],
)
async def test_without_a_run(said: Callback | None, phase: str) -> None:
    """We wait for one, unless the Logic App says that there will be none."""
    progress = await the_step(ScriptedPipelines(a_run())).look(the_work(callback=said))

    assert progress.phase == phase


@pytest.mark.parametrize(
    ("says", "is_", "phase"),
    [
        (True, RunPhase.FAILED, RunPhase.FAILED),
        (False, RunPhase.SUCCEEDED, RunPhase.SUCCEEDED),
        (True, RunPhase.ACTIVE, RunPhase.ACTIVE),
    ],
)
async def test_the_system_of_record_is_believed_not_the_callback(
    says: bool, is_: RunPhase, phase: RunPhase
) -> None:
    """A report that contradicts it changes nothing."""
    adf = ScriptedPipelines(a_run(), a_run("r2", is_, started_at=NOW))
    work = the_work(external_run_id="r2", callback=reported("r2", success=says))

    assert (await the_step(adf).look(work)).phase == phase


async def test_a_lost_request_is_found_by_its_run_or_its_callback() -> None:
    """Either proves that it arrived; without one, nobody knows."""
    alone = ScriptedPipelines(a_run())
    started = ScriptedPipelines(a_run(), a_run("r2", RunPhase.ACTIVE, started_at=NOW))

    assert await the_step(alone).find(the_work()) is None
    found = await the_step(started).find(the_work())
    assert found is not None
    assert found.run_id == "r2"
    heard = await the_step(alone).find(the_work(callback=reported(success=False)))
    assert heard is not None
    assert heard.run_id is None
