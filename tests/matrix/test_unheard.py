"""What people say takes effect, though nobody is told of it; and killed processes ask once."""

import pytest

from shared import container
from shared.domain.approval import ApprovalStatus, DecisionWord
from shared.domain.ticket import Outcome
from shared.ports.tickets import TicketQuery
from shared.usecases.approvals import Answer, decide_approval
from tests.matrix.cells import Cells

only = pytest.mark.parametrize("cells", ["rerun_from_failure"], indirect=True)
_MINUTES = 5


class Person:
    """Decides some minutes after being asked, straight into the store: no event is raised."""

    def __init__(self, decision: DecisionWord) -> None:
        self.decision = decision
        self.asked: set[str] = set()

    async def __call__(self) -> None:
        """Decide what waits, once it has waited."""
        using = container.services()
        for ticket in (await using.store.search(TicketQuery(approval=("pending",)))).items:
            question = ticket.approval
            if question is None:
                continue
            self.asked.add(question.id)
            waited = (using.clock.now() - question.requested_at).total_seconds()
            if waited >= 60 * _MINUTES:
                answer = Answer(self.decision, "ana", "because")
                await decide_approval(question.id, answer, using.store, using.clock)


@only
async def test_an_answer_takes_effect_within_a_minute(
    cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every event is lost: the story looks by itself."""
    monkeypatch.setenv("MEND_MODE", "hil")
    person = Person(DecisionWord.APPROVE)

    ticket, _ = await cells.play(meanwhile=person)

    (attempt,) = ticket.attempts
    assert ticket.outcome is Outcome.HEALED, ticket.summary
    assert ticket.approval is not None
    assert ticket.approval.decided_at is not None
    late = (attempt.started_at - ticket.approval.decided_at).total_seconds()
    assert 0 <= late <= 60
    assert cells.longest_history < 300


@only
async def test_nobody_answers(cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    """After four hours it is a no, and nothing was sent."""
    monkeypatch.setenv("MEND_MODE", "hil")

    ticket, _ = await cells.play()

    assert ticket.outcome is Outcome.APPROVAL_EXPIRED
    assert ticket.approval is not None
    assert ticket.approval.status is ApprovalStatus.EXPIRED
    assert ticket.attempts == ()
    assert set((await cells.requests()).values()) == {0}
    assert cells.longest_history < 300


_FEW, _ALL = 16, 1


@only
@pytest.mark.parametrize(
    "every", [pytest.param(_FEW, id="some"), pytest.param(_ALL, id="all", marks=pytest.mark.long)]
)
@pytest.mark.parametrize("decision", DecisionWord)
async def test_killed_anywhere_it_is_asked_and_done_once(
    cells: Cells, monkeypatch: pytest.MonkeyPatch, decision: DecisionWord, every: int
) -> None:
    """Wherever the process dies between the question and the end."""
    monkeypatch.setenv("MEND_MODE", "hil")
    person = Person(decision)
    ticket, peril = await cells.play(meanwhile=person)
    for place in range(1, len(peril.places) + 1, every):
        person = Person(decision)
        ticket, _ = await cells.play(place, meanwhile=person)
        agreed = decision is DecisionWord.APPROVE
        assert ticket.outcome is (Outcome.HEALED if agreed else Outcome.REJECTED), place
        # Who died with the request in hand finds out that it never left, and asks once more.
        assert len(person.asked) == max(1, len(ticket.attempts)), place
        effects = await cells.effects()
        assert sum(effects.values()) == (1 if agreed else 0), (place, effects)
