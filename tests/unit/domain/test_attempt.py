"""The attempt's moves: only ``intent`` can be sent, and nothing leaves an end."""

from itertools import product

import pytest

from shared.domain.alert import Platform
from shared.domain.analysis import Action
from shared.domain.attempt import (
    LEGAL_MOVES,
    TWICE_IS_ONCE,
    Attempt,
    AttemptState,
    StepKind,
    StepTaken,
    attempt_key,
    may_follow,
)
from shared.domain.errors import IllegalTransition
from shared.domain.ticket import Ticket, checked
from tests.support.builders import NOW, RUN, a_resource, a_ticket


def an_attempt(state: AttemptState = AttemptState.INTENT) -> Attempt:
    """Return attempt 1 in ``state``."""
    return Attempt(
        number=1,
        key=attempt_key("TIK-1", 1),
        action=Action.RERUN_FROM_FAILURE,
        state=state,
        target="load",
        reference_run_id=RUN,
        started_at=NOW,
    )


def having(*attempts: Attempt) -> Ticket:
    """Return a ticket with ``attempts``."""
    return a_ticket().model_copy(update={"attempts": attempts, "last_seq": 1})


@pytest.mark.parametrize(("old", "new"), list(product(AttemptState, AttemptState)))
def test_only_moves_in_the_table_are_possible(old: AttemptState, new: AttemptState) -> None:
    """Every pair of states is either in the table or refused."""
    if new in LEGAL_MOVES[old]:
        assert an_attempt(old).moved_to(new).state is new
    else:
        with pytest.raises(IllegalTransition):
            an_attempt(old).moved_to(new)


def test_sending_is_reached_from_intent_only() -> None:
    """Nothing that may have left already can be sent once more."""
    assert [old for old, new in LEGAL_MOVES.items() if AttemptState.SENDING in new] == [
        AttemptState.INTENT
    ]


def test_a_store_refuses_an_illegal_move_of_an_attempt() -> None:
    """Going round ``moved_to`` does not help: the store looks once more."""
    old = having(an_attempt(AttemptState.UNKNOWN))
    forged = an_attempt(AttemptState.SENDING)
    change = old.changed(NOW, "test", "again", attempts=(forged,))

    with pytest.raises(IllegalTransition, match="attempt 1"):
        checked(old, change)


def test_a_store_refuses_to_forget_an_attempt() -> None:
    """An attempt once written is never lost."""
    old = having(an_attempt())
    change = old.changed(NOW, "test", "gone", attempts=())

    with pytest.raises(IllegalTransition, match="disappear"):
        checked(old, change)


def test_the_key_depends_on_ticket_and_number_only() -> None:
    """The same attempt has the same key in every process and after every restart."""
    assert attempt_key("TIK-1", 1) == attempt_key("TIK-1", 1)
    assert len({attempt_key(t, n) for t in ("TIK-1", "TIK-11") for n in (1, 2, 11)}) == 6


@pytest.mark.parametrize("step", StepKind)
def test_what_is_unknown_is_sent_again_only_where_twice_is_once(step: StepKind) -> None:
    """Not even by way of a new intent; a store refuses it whoever asks."""
    lost = an_attempt(AttemptState.UNKNOWN).model_copy(update={"plan": (step,), "sent_at": NOW})
    again = lost.moved_to(AttemptState.INTENT)

    assert may_follow(lost, again) is (step in TWICE_IS_ONCE)


def test_what_was_only_doubted_may_be_sent() -> None:
    """No request is known of; having looked is enough. One that is known of stays unknown."""
    doubted = an_attempt(AttemptState.UNKNOWN).model_copy(update={"doubted_at": NOW})
    sent = doubted.model_copy(update={"sent_at": NOW})

    assert may_follow(doubted, doubted.moved_to(AttemptState.INTENT))
    assert not may_follow(sent, sent.moved_to(AttemptState.INTENT))


def test_the_last_step_is_never_sent_again() -> None:
    """From ``issued`` an attempt goes on to its next step, and to nothing else."""
    plan = (StepKind.RESTART_CLUSTER, StepKind.REPAIR_RUN)
    first = an_attempt(AttemptState.ISSUED).model_copy(update={"plan": plan})
    done = StepTaken(kind=StepKind.RESTART_CLUSTER)
    second = first.model_copy(update={"taken": (done,), "state": AttemptState.INTENT})
    last = second.model_copy(update={"state": AttemptState.ISSUED})
    beyond = last.model_copy(update={"taken": (done, done), "state": AttemptState.INTENT})

    assert may_follow(first, second)
    assert not may_follow(first, first.moved_to(AttemptState.INTENT))
    assert not may_follow(last, beyond)
    assert not may_follow(last, last.model_copy(update={"taken": ()}))


def test_each_step_has_a_key_of_its_own() -> None:
    """What the other side recognises a request by must differ from step to step."""
    first = an_attempt()
    second = first.model_copy(update={"taken": (StepTaken(kind=StepKind.RESTART_CLUSTER),)})

    assert len({first.step_key, second.step_key}) == 2
    assert len(second.step_key) == 64


def test_a_run_is_claimed_per_workspace_where_ids_repeat() -> None:
    """Databricks counts runs per workspace; Data Factory's ids are unique everywhere."""
    here = a_resource().model_copy(update={"platform": Platform.DATABRICKS, "scope": "adb-1"})
    there = here.model_copy(update={"scope": "adb-2"})

    assert here.run_key("17") != there.run_key("17")
    assert a_resource().run_key(RUN) == a_resource().model_copy(update={"scope": "x"}).run_key(RUN)
