"""What travels between orchestrators and activities, and is kept in Durable's history.

A wire format: running instances hold old messages, so fields are only added,
with a default, and never renamed. Ids and short texts only; the rest is in the
ticket store.
"""

from pydantic import AwareDatetime

from shared.domain.analysis import Action
from shared.domain.attempt import AttemptOutcome, AttemptState
from shared.domain.decision import Effect
from shared.domain.model import Model
from shared.domain.ticket import Outcome


class TicketRef(Model):
    """Which ticket."""

    ticket_id: str


class EpisodeRef(TicketRef):
    """Which orchestration asks to work on it."""

    instance_id: str


class EpisodeClaimed(Model):
    """Whether it may, at which pace, and what an interrupted predecessor left behind."""

    ours: bool
    unfinished_attempt: int | None = None
    poll_seconds: float = 30
    monitor_timeout_minutes: float = 120


class RunIdentified(Model):
    """The run to be healed; ``None``: there is none, and the ticket says why."""

    run_id: str | None


class RunRef(TicketRef):
    """Which run to look at."""

    run_id: str


class RunLook(Model):
    """What one look told, see :class:`shared.usecases.look.Look`."""

    phase: str
    status: str = ""


class Watch(TicketRef):
    """State of the monitor, carried from generation to generation.

    What is watched is a run, or the present step of attempt ``number``.
    """

    run_id: str | None = None
    number: int | None = None
    poll_seconds: float
    give_up_at: AwareDatetime
    missing_since: AwareDatetime | None = None


class Decided(Model):
    """The policy's decision in short."""

    outcome: Effect
    ticket_outcome: Outcome | None = None
    action: Action
    attempt_number: int
    wait_seconds: float
    sentence: str


class AttemptRef(TicketRef):
    """Which attempt."""

    number: int


class AttemptPrepared(Model):
    """``ready`` to be sent, ``busy``: ``run_id`` does the work already, or ``blocked``."""

    state: str
    run_id: str | None = None
    problem: str = ""
    passing: bool = False


class AttemptSent(Model):
    """State of the attempt after sending it, or after looking for it."""

    state: AttemptState
    run_id: str | None = None
    retry_after_seconds: float | None = None
    problem: str = ""
    undoable: bool = False
    never_arrived: bool = False  # looked for, and not found
    limited: bool = False  # as much is done already as operators allow
    lapsed: bool = False  # people had agreed, and that is over: ask them again


class Reconcile(AttemptRef):
    """Look for an attempt's run; ``last_look`` ends the search."""

    last_look: bool = False


class Conclude(AttemptRef):
    """How the attempt's run ended, in the monitor's words."""

    ended: str


class AttemptConcluded(Model):
    """What the attempt came to; ``ticket_outcome`` is set where that ends the ticket.

    ``goes_on``: only a step of it is done, and the next one may be sent.
    """

    outcome: AttemptOutcome = AttemptOutcome.INCONCLUSIVE
    goes_on: bool = False
    why: str = ""
    ticket_outcome: Outcome | None = None


class Ending(TicketRef):
    """How the ticket ends and why."""

    outcome: Outcome
    conclusion: str


class ApprovalRequested(Model):
    """The question that people were asked; ``None``: there is nothing to ask."""

    approval_id: str | None
    expires_at: AwareDatetime | None = None


class ApprovalRef(TicketRef):
    """Which question."""

    approval_id: str


class ApprovalWatch(ApprovalRef):
    """State of the wait for an answer, carried from generation to generation."""

    poll_seconds: float = 30


class ApprovalLook(Model):
    """How the question stands, see :class:`shared.domain.approval.ApprovalStatus`."""

    status: str
