"""What a person is told who has clicked on a button in a channel: nothing is decided by it."""

from datetime import datetime

from shared.domain.analysis import Risk
from shared.domain.approval import Approval, ApprovalStatus
from shared.domain.ticket import Ticket
from shared.telling.picture import clean

UNKNOWN = "There is no such question, or not any more."
_WHERE = "It is decided on the page that the button opens, not in here"


def answer_to_click(asked: Approval, ticket: Ticket, now: datetime) -> str:
    """Return how the question stands, and where it is decided: plain text, no link, no secret."""
    plan = asked.plan
    what = clean(f"{plan.action} of {plan.target}")
    if asked.status is not ApprovalStatus.PENDING:
        when = f", {asked.decided_at:%Y-%m-%d %H:%M} UTC" if asked.decided_at else ""
        who = f" by {clean(asked.decided_by)}" if asked.decided_by else ""
        return f"{asked.id} is {asked.status} already{who}{when}."
    if ticket.status.is_final or now >= asked.expires_at:
        return f"{asked.id} can no longer be decided."
    sign_in = "" if plan.risk is Risk.LOW else f"; the risk is {plan.risk}, so sign in there"
    return f"{what}: {_WHERE}{sign_in}. There is time until {asked.expires_at:%H:%M} UTC."
