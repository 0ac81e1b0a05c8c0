"""The ticket's moves: what is not in the table cannot happen."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alert import Requester
from shared.domain.analysis import Action
from shared.domain.errors import IllegalTransition
from shared.domain.ticket import (
    LEGAL_MOVES,
    OUTCOMES,
    Change,
    Episode,
    Outcome,
    Status,
    Ticket,
    Wish,
    checked,
)
from tests.support.builders import NOW, a_ticket

WISH = Wish(action=Action.RERUN_PIPELINE, by=Requester(name="ana"), at=NOW, attempt_number=1)
ASKED: dict[str, Any] = {"requested": WISH, "episode": Episode(number=2)}


def in_status(status: Status) -> Ticket:
    """Return a ticket that has got to ``status``."""
    outcome = min(OUTCOMES.get(status, {None}), key=str)
    return a_ticket().model_copy(update={"status": status, "outcome": outcome, "last_seq": 1})


@pytest.mark.parametrize(("old", "new"), list(product(Status, Status)))
def test_only_moves_in_the_table_are_possible(old: Status, new: Status) -> None:
    """Every pair of statuses is either in the table or refused."""
    ticket = in_status(old)
    outcome = min(OUTCOMES.get(new, {None}), key=str)

    if new is old or new in LEGAL_MOVES[old]:
        asked: dict[str, Any] = ASKED if old.is_final and not new.is_final else {}
        change = ticket.changed(NOW, "test", "moved", status=new, outcome=outcome, **asked)
        assert checked(ticket, change).ticket.status is new
    else:
        with pytest.raises(IllegalTransition):
            ticket.changed(NOW, "test", "moved", status=new, outcome=outcome)


@given(st.lists(st.sampled_from(Status), max_size=12))
def test_no_path_leads_out_of_an_end(path: list[Status]) -> None:
    """Whatever is tried in whatever order, no ended ticket opens again by itself."""
    ticket = in_status(Status.OPEN)
    for status in path:
        before = ticket
        try:
            outcome = min(OUTCOMES.get(status, {None}), key=str)
            change = ticket.changed(NOW, "t", "m", status=status, outcome=outcome)
            ticket = checked(ticket, change).ticket
        except IllegalTransition:
            ticket = before
        if before.status.is_final:
            assert ticket.status.is_final
        if before.status in {Status.RESOLVED, Status.CLOSED}:
            assert ticket.status is before.status


@pytest.mark.parametrize(("status", "outcome"), list(product(Status, Outcome)))
def test_an_outcome_must_fit_its_status(status: Status, outcome: Outcome) -> None:
    """``healed`` is no way to be escalated, and an open ticket has no outcome."""
    old = a_ticket().model_copy(update={"status": status, "last_seq": 1})
    change = old.changed(NOW, "test", "ended", outcome=outcome)

    if outcome in OUTCOMES.get(status, frozenset()):
        assert checked(old, change) is change
    else:
        with pytest.raises(IllegalTransition):
            checked(old, change)


def test_a_wrong_type_never_reaches_the_store() -> None:
    """A change is validated like any input."""
    with pytest.raises(ValueError, match="severity"):
        a_ticket().changed(NOW, "test", "x", severity="rather bad")


def test_only_a_handed_over_ticket_has_an_end_to_come() -> None:
    """The table itself is a promise: what a person got, a person ends or sends out again."""
    assert {status: LEGAL_MOVES[status] for status in Status if status.is_final} == {
        Status.RESOLVED: frozenset(),
        Status.ESCALATED: frozenset({Status.OPEN, Status.RESOLVED, Status.CLOSED}),
        Status.CLOSED: frozenset(),
    }


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "nobody has asked"),
        ({"episode": Episode(number=2)}, "nobody has asked"),
        ({"requested": WISH}, "without an episode"),
        ({**ASKED, "episode": Episode(number=2, claimed_by="rem-1")}, "without an episode"),
    ],
)
def test_only_a_person_opens_it_again(fields: dict[str, Any], why: str) -> None:
    """And an orchestration of before does not go on with it."""
    old = in_status(Status.ESCALATED)
    change = old.changed(NOW, "t", "m", status=Status.OPEN, outcome=None, **fields)
    with pytest.raises(IllegalTransition, match=why):
        checked(old, change)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        pytest.param({"id": "TIK-other"}, "cannot become", id="another ticket"),
        pytest.param({"version": 1}, "version", id="the same version again"),
        pytest.param({"version": 3}, "version", id="a version left out"),
        pytest.param({"last_seq": 5}, "gap", id="a counter that runs ahead of the events"),
        pytest.param({"status": Status.MONITORING}, "cannot go", id="a move round the table"),
    ],
)
def test_a_store_refuses_a_forged_ticket(fields: dict[str, object], why: str) -> None:
    """Whatever made the change, the store looks at it once more; here a mere count is forged."""
    old = in_status(Status.OPEN)
    honest = old.counted(NOW, duplicate_count=1)
    forged = Change(honest.ticket.model_copy(update=fields))

    assert checked(old, honest) is honest
    with pytest.raises(IllegalTransition, match=why):
        checked(old, forged)


def test_a_store_refuses_a_gap_in_the_timeline() -> None:
    """An event with another number than the next one is refused although the ticket agrees."""
    old = in_status(Status.OPEN)
    honest = old.changed(NOW, "test", "x")
    skipped = honest.events[0].model_copy(update={"seq": 3})
    forged = Change(honest.ticket.model_copy(update={"last_seq": 3}), (skipped,))

    with pytest.raises(IllegalTransition, match="gap"):
        checked(old, forged)
