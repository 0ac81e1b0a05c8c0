"""What people are shown: no secret in it, nothing invisible, nothing endless."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis import Action, Analysis, Evidence, Risk
from shared.domain.approval import Approval, ApprovalStatus, Plan
from shared.domain.event import Event
from shared.domain.ticket import Status, Ticket
from shared.intake.text import has_invisible
from shared.telling.entries import entry_of, needs_person
from shared.telling.phase import Phase, needs_own, phase_of
from shared.telling.picture import MAX_HEADLINE_CHARS, Picture, picture_of
from tests.support.builders import NOW, a_resource, a_ticket

PLANTED = "canary4711"
SECRET = f"password={PLANTED}; x?code={PLANTED}&sig={PLANTED} Bearer {PLANTED}"


def picture(**fields: object) -> Picture:
    """Return what is shown of a ticket with ``fields``."""
    ticket = Ticket.model_validate({**dict(a_ticket()), **fields})
    return picture_of(ticket, "https://mend.example.com", 3)


def test_no_secret_of_an_alert_is_shown() -> None:
    """Wherever it stands."""
    analysis = Analysis(
        root_cause=SECRET,
        recommendations=(SECRET,),
        evidence=(Evidence(id="e1", source=SECRET, text=SECRET),),
    )
    shown = picture(
        title=SECRET,
        description=SECRET,
        resource=a_resource(SECRET, SECRET),
        environment=SECRET,
        service=SECRET,
        assignee=SECRET,
        closed_by=SECRET,
        analysis=analysis,
        status=Status.ESCALATED,
    )
    event = Event(seq=1, at=NOW, type="remediation.failed", message=SECRET)

    assert PLANTED not in f"{shown} {entry_of(event, a_ticket())}"
    assert "[redacted]" in str(shown)


@given(st.text(max_size=2_000))
def test_every_line_is_one_line_and_short(text: str) -> None:
    """Whatever an alert holds."""
    analysis = Analysis(root_cause=text, evidence=(Evidence(id="e1", source="x", text=text),))
    shown = picture(description=text, analysis=analysis)

    for line in shown.lines:
        assert len(line.text) <= 300
        assert not has_invisible(line.text)
    assert len(shown.headline) <= MAX_HEADLINE_CHARS


def test_which_events_are_told() -> None:
    """What people want to know, not each of our steps."""

    def told(kind: str) -> str | None:
        return entry_of(Event(seq=1, at=NOW, type=kind, message="words"), a_ticket())

    assert told("remediation.issued") == "🔧 words"
    assert told("remediation.sending") is None
    assert told("alert.duplicate") is None
    assert told("decision.made") is None
    escalated = Event(seq=1, at=NOW, type="ticket.escalated", message="x")
    resolved = Event(seq=1, at=NOW, type="ticket.resolved", message="x")
    assert (needs_person(escalated), needs_person(resolved)) == (True, False)


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        (Status.OPEN, Phase.OPENED),
        (Status.MONITORING, Phase.OPENED),
        (Status.AWAITING_APPROVAL, Phase.APPROVAL),
        (Status.ESCALATED, Phase.ESCALATED),
        (Status.RESOLVED, Phase.ENDED),
        (Status.CLOSED, Phase.ENDED),
    ],
)
def test_a_ticket_has_one_phase(status: Status, phase: Phase) -> None:
    """At any time."""
    ticket = a_ticket().model_copy(update={"status": status})
    child = ticket.model_copy(update={"parent_id": "TIK-1"})

    assert phase_of(ticket) is phase
    assert needs_own(ticket, None)
    assert needs_own(child, a_ticket()) is (phase is Phase.ESCALATED)
    assert not needs_own(child, child.model_copy(update={"status": Status.ESCALATED}))


@pytest.mark.parametrize("status", ApprovalStatus)
def test_a_pending_question_is_shown(status: ApprovalStatus) -> None:
    """With the link behind which it is decided; once it is decided there is nothing to click."""
    plan = Plan(
        action=Action.RERUN_PIPELINE, target="p", scope="s", run_id="r", risk=Risk.LOW,
        attempt_number=1,
    )  # fmt: skip
    approval = Approval(
        id="APR-1-1", ticket_id="TIK-1", number=1, status=status, plan=plan, plan_hash=plan.hash,
        requested_at=NOW, expires_at=NOW + timedelta(hours=4),
    )  # fmt: skip
    ticket = a_ticket().model_copy(update={"approval": approval})
    url = "https://mend.example.com"
    request = picture_of(ticket, url, 3, decide_at=lambda one: f"{url}/#{one.id}").request

    shown = request.url if request else None
    assert shown == (f"{url}/#APR-1-1" if status is ApprovalStatus.PENDING else None)
    assert picture_of(a_ticket(), url, 3).request is None
