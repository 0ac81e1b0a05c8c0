"""Reports of a Logic App: the first final one counts, everything else is noted."""

import asyncio

import pytest

from shared.domain.analysis import Action
from shared.domain.attempt import Attempt, AttemptState, StepKind, attempt_key
from shared.domain.errors import NotFound
from shared.domain.ticket import Status
from shared.stores.memory import MemoryStore
from shared.usecases.accept_callback import Reception, Report, accept_callback
from tests.support.builders import NOW, RUN, StoppedClock, an_opening

ID = "TIK-20261120-000001"


def an_attempt(number: int, state: AttemptState, step: StepKind) -> Attempt:
    """Return an attempt that a Logic App, or we, carry out."""
    return Attempt(
        number=number,
        key=attempt_key(ID, number),
        action=Action.RERUN_FROM_FAILURE,
        state=state,
        plan=(step,),
        target="load_customer_data",
        reference_run_id=RUN,
        started_at=NOW,
        sent_at=NOW,
    )


async def waiting(*states: AttemptState, step: StepKind = StepKind.RUN_LOGIC_APP) -> MemoryStore:
    """Return a store whose ticket has an attempt in each of ``states``."""
    store = MemoryStore()
    await store.create(an_opening(ID))
    attempts = tuple(an_attempt(n, state, step) for n, state in enumerate(states, start=1))
    await store.update(ID, lambda ticket: ticket.changed(NOW, "t", "m", status=Status.ANALYZING))
    await store.update(
        ID,
        lambda ticket: ticket.changed(NOW, "t", "m", status=Status.REMEDIATING, attempts=attempts),
    )
    return store


def a_report(**changes: object) -> Report:
    """Return the report of document and contract."""
    return Report.model_validate(
        {
            "ticket_id": ID,
            "status": "Succeeded",
            "success": True,
            "remediation_run_id": "456",
            "attempt_number": 1,
            "error_message": None,
            **changes,
        }
    )


async def receive(store: MemoryStore, **changes: object) -> Reception:
    """Deliver a report."""
    return await accept_callback(a_report(**changes), store, StoppedClock())


@pytest.mark.parametrize("state", [AttemptState.SENDING, AttemptState.UNKNOWN, AttemptState.ISSUED])
async def test_the_first_final_report_is_kept(state: AttemptState) -> None:
    """Also when the answer to our request was lost, or has not come yet."""
    store = await waiting(state)

    assert await receive(store) is Reception.ACCEPTED

    kept = (await store.get(ID)).attempt(1).callback
    assert kept is not None
    assert (kept.run_id, kept.success) == ("456", True)


async def test_the_same_once_more_changes_nothing() -> None:
    """A sender that got no answer sends again."""
    store = await waiting(AttemptState.ISSUED)
    await receive(store)
    before = await store.get(ID)

    assert await receive(store) is Reception.REPEATED
    assert await store.get(ID) == before


async def test_a_secret_in_its_words_is_not_kept() -> None:
    """Workflows quote what they were given; the same words once more are still the same."""
    store = await waiting(AttemptState.ISSUED)
    quoted = "login: password=hunter2hunter2"

    assert await receive(store, error_message=quoted) is Reception.ACCEPTED
    assert await receive(store, error_message=quoted) is Reception.REPEATED
    kept = (await store.get(ID)).model_dump_json() + str(await store.events(ID))
    assert "login" in kept
    assert "hunter2" not in kept


async def test_another_final_report_is_noted_only() -> None:
    """The first one stays, whichever of them is right: the system of record decides."""
    store = await waiting(AttemptState.ISSUED)
    await receive(store)

    assert await receive(store, status="Failed", success=False) is Reception.NOTED
    kept = (await store.get(ID)).attempt(1).callback
    assert kept is not None
    assert kept.success


async def test_of_many_at_once_one_is_kept() -> None:
    """Compare and set, not read and write."""
    store = await waiting(AttemptState.ISSUED)

    came = await asyncio.gather(*(receive(store, remediation_run_id=str(n)) for n in range(40)))

    assert came.count(Reception.ACCEPTED) == 1


@pytest.mark.parametrize(
    ("states", "changes"),
    [
        ((AttemptState.SUCCEEDED,), {}),
        ((AttemptState.FAILED, AttemptState.ISSUED), {"attempt_number": 1}),
        ((AttemptState.ISSUED,), {"attempt_number": 2}),
        ((AttemptState.ISSUED,), {"status": "Running"}),
        ((AttemptState.INTENT,), {}),
    ],
    ids=["late", "stale", "ahead", "not final", "before it was sent"],
)
async def test_what_comes_at_the_wrong_time_is_noted_only(
    states: tuple[AttemptState, ...], changes: dict[str, object]
) -> None:
    """It is in the timeline, and no attempt believes it."""
    store = await waiting(*states)

    assert await receive(store, **changes) is Reception.NOTED

    assert all(attempt.callback is None for attempt in (await store.get(ID)).attempts)
    assert (await store.events(ID))[-1].type == "remediation.callback_noted"


async def test_an_attempt_that_we_carry_out_has_no_callback() -> None:
    """Only what a Logic App was asked for can it report on."""
    store = await waiting(AttemptState.ISSUED, step=StepKind.RERUN_FROM_FAILURE)

    assert await receive(store) is Reception.NOTED
    assert (await store.get(ID)).attempt(1).callback is None


async def test_a_looping_sender_does_not_fill_the_timeline() -> None:
    """What is noted is bounded; the answer stays the same."""
    store = await waiting(AttemptState.SUCCEEDED)

    came = {await receive(store, error_message=str(n)) for n in range(80)}

    assert came == {Reception.NOTED}
    assert len(await store.events(ID)) < 60


async def test_an_unknown_ticket_is_said_to_be_unknown() -> None:
    """Nothing is invented for it."""
    with pytest.raises(NotFound):
        await receive(MemoryStore())
