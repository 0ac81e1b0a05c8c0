"""A yes holds for a while only, and until it is taken back: then people are asked again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from localhost.clock import ManualClock
from shared import container
from shared.domain.approval import Approval, ApprovalStatus, DecisionWord
from shared.domain.attempt import AttemptState
from shared.domain.errors import IllegalTransition
from shared.domain.ticket import Outcome, Ticket
from shared.ports.tickets import TicketQuery
from shared.usecases.approvals import Answer, decide_approval
from shared.usecases.take_back_approval import take_back_approval
from tests.matrix.cells import Cells
from tests.matrix.world import Simulators

pytestmark = pytest.mark.parametrize("cells", ["rerun_from_failure"], indirect=True)
TOKEN_MINUTES = 10


class Approver:
    """Agrees at once to whatever is asked; once, before anything has left, ``then`` happens."""

    def __init__(self, then: Callable[[Approval], Awaitable[None]]) -> None:
        self._then = then
        self.happened = False

    async def __call__(self) -> None:
        """Do what is to be done now."""
        using = container.services()
        for ticket in (await using.store.search(TicketQuery())).items:
            question = ticket.approval
            if question is None:
                continue
            if question.status is ApprovalStatus.PENDING:
                until = using.clock.now() + timedelta(minutes=TOKEN_MINUTES)
                yes = Answer(DecisionWord.APPROVE, "ana", oid="1", proven_until=until)
                await decide_approval(question.id, yes, using.store, using.clock)
            elif not self.happened and _was_turned_away(ticket):
                self.happened = True
                await self._then(question)


def _was_turned_away(ticket: Ticket) -> bool:
    return any(
        one.state is AttemptState.INTENT and one.error is not None for one in ticket.attempts
    )


def _pass(minutes: float) -> Callable[[Approval], Awaitable[None]]:
    async def wait(_: Approval) -> None:
        clock = container.services().clock
        assert isinstance(clock, ManualClock)
        clock.advance(timedelta(minutes=minutes))

    return wait


async def _take_back(given: Approval) -> None:
    using = container.services()
    await take_back_approval(
        given.id, "wrong week", by="bo", oid="2", store=using.store, clock=using.clock
    )


def _throttled(simulators: Simulators) -> None:
    """Turn the first request away, so that there is a while between the yes and the next one."""
    simulators.adf.fault("createRun", "throttle_429", retry_after=60)


@pytest.mark.parametrize(
    ("then", "why"),
    [
        pytest.param(_pass(31), "was good until", id="half an hour is over"),
        pytest.param(_pass(TOKEN_MINUTES + 1), "has ended since", id="the role is not proven now"),
        pytest.param(_take_back, "was taken back", id="taken back"),
    ],
)
async def test_people_are_asked_again(
    cells: Cells,
    monkeypatch: pytest.MonkeyPatch,
    then: Callable[[Approval], Awaitable[None]],
    why: str,
) -> None:
    """The attempt that they had agreed to is not sent, and does not count as one."""
    monkeypatch.setenv("MEND_MODE", "hil")
    monkeypatch.setenv("MEND_MAX_ATTEMPTS", "1")
    approver = Approver(then)

    ticket, _ = await cells.play(trouble=_throttled, meanwhile=approver)

    first, second = ticket.attempts
    assert approver.happened
    assert first.state is AttemptState.CANCELLED
    assert why in (first.error or "")
    assert second.state is AttemptState.SUCCEEDED
    assert ticket.outcome is Outcome.HEALED, ticket.summary
    assert len(ticket.approvals) == 1
    assert sum((await cells.effects()).values()) == 1


async def test_what_has_left_cannot_be_called_back(
    cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes too late is told so."""
    monkeypatch.setenv("MEND_MODE", "hil")
    refusals: list[str] = []

    async def regret() -> None:
        await Approver(_pass(0))()
        using = container.services()
        for ticket in (await using.store.search(TicketQuery())).items:
            sent = any(one.state is AttemptState.ISSUED for one in ticket.attempts)
            if sent and ticket.approval is not None and not refusals:
                with pytest.raises(IllegalTransition) as refused:
                    await _take_back(ticket.approval)
                refusals.append(str(refused.value))

    ticket, _ = await cells.play(meanwhile=regret)

    assert ["has left already" in one for one in refusals] == [True]
    assert ticket.outcome is Outcome.HEALED
