"""One try to change something outside, and what we know about it.

    intent -> sending -> issued(run id) -> succeeded | failed | timed_out | cancelled
                 |  \
                 |   -> cancelled  stopped in the last moment: it never left
                 |   -> intent     refused before anything happened: the same attempt may be sent
                 -> unknown        it left and no readable answer came back: look, never resend

An attempt takes one step after another, each with its own request: a cluster is
restarted, then the run repaired. From ``issued`` it goes on to the ``intent`` of the
next step. From ``unknown`` it goes back to ``intent`` only where sending twice is the
same as sending once, or where it was only doubted whether it had left: an intent that
another process wrote may have been sent already, if the store is a restored backup.

Only ``intent`` may be sent. A process that finds ``sending`` did not send it
itself and therefore does not know: it goes on with ``unknown``.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Self

from pydantic import AwareDatetime, Field, JsonValue

from shared.domain.analysis import Action
from shared.domain.errors import IllegalTransition
from shared.domain.model import Model


class AttemptState(StrEnum):
    """What is known about the request."""

    INTENT = "intent"
    SENDING = "sending"
    ISSUED = "issued"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


class StepKind(StrEnum):
    """One request to the outside. What an action consists of: :mod:`shared.actions.catalogue`."""

    RERUN_PIPELINE = "rerun_pipeline"
    RERUN_FROM_FAILURE = "rerun_from_failure"
    RERUN_TRIGGER_RUN = "rerun_trigger_run"
    START_TRIGGER = "start_trigger"
    REPAIR_RUN = "repair_run"
    RERUN_JOB = "rerun_job"
    RESTART_CLUSTER = "restart_cluster"
    UNINSTALL_LIBRARIES = "uninstall_libraries"
    INSTALL_LIBRARIES = "install_libraries"
    RESIZE_CLUSTER = "resize_cluster"
    RUN_LOGIC_APP = "run_logic_app"


TWICE_IS_ONCE = frozenset(
    {
        StepKind.RERUN_JOB,  # the other side knows the key
        StepKind.START_TRIGGER,
        StepKind.RESTART_CLUSTER,
        StepKind.UNINSTALL_LIBRARIES,
        StepKind.INSTALL_LIBRARIES,
        StepKind.RESIZE_CLUSTER,
    }
)
"""Steps that may be sent again although nobody knows what became of the first time."""


UNDOABLE = frozenset({StepKind.RESIZE_CLUSTER})
"""Steps that are taken back in the end, healed or not."""


class AttemptOutcome(StrEnum):
    """What the attempt was worth, once verified. Green alone is not healed."""

    HEALED = "healed"
    NOT_HEALED = "not_healed"
    INCONCLUSIVE = "inconclusive"


_OVER = frozenset(
    {
        AttemptState.SUCCEEDED,
        AttemptState.FAILED,
        AttemptState.TIMED_OUT,
        AttemptState.CANCELLED,
    }
)

LEGAL_MOVES: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.INTENT: frozenset(
        {
            AttemptState.SENDING,
            AttemptState.UNKNOWN,
            AttemptState.FAILED,
            AttemptState.CANCELLED,
        }
    ),
    AttemptState.SENDING: frozenset(
        {
            AttemptState.INTENT,
            AttemptState.ISSUED,
            AttemptState.UNKNOWN,
            AttemptState.FAILED,
            AttemptState.TIMED_OUT,
            AttemptState.CANCELLED,  # stopped in the last moment, before it left
        }
    ),
    AttemptState.UNKNOWN: frozenset(
        {
            AttemptState.INTENT,
            AttemptState.ISSUED,
            AttemptState.FAILED,
            AttemptState.TIMED_OUT,
        }
    ),
    AttemptState.ISSUED: _OVER | {AttemptState.INTENT},
    **{state: frozenset() for state in _OVER},
}


class StepTaken(Model):
    """A step that is done. ``marks`` are what the world looked like before it."""

    kind: StepKind
    external_id: str | None = None
    marks: dict[str, JsonValue] = Field(default_factory=dict)


class Callback(Model):
    """What somebody who carried out the step for us reports about it; a hint."""

    status: str
    success: bool
    run_id: str | None = None
    error: str | None = None
    at: AwareDatetime


class Attempt(Model):
    """Identified by ``key``, which is derived from the ticket and the number.

    ``reference_run_id`` is the failed run it answers; ``known_run_ids`` are the
    runs of its group seen before sending, so that a new one can be recognised
    when the answer was lost. ``marks`` are the same for steps that are no runs: what
    the world looked like before. ``external_id`` is what the other side calls the
    present step (a repair, a workflow run), ``external_run_id`` the run it led to.
    ``prepared_in`` is the incarnation of the store that the intent was written in.
    """

    number: int
    key: str
    action: Action
    state: AttemptState = AttemptState.INTENT
    outcome: AttemptOutcome | None = None
    target: str  # what the action is applied to: the root pipeline's name
    reference_run_id: str
    group_id: str | None = None
    parameters_key: str = ""
    known_run_ids: tuple[str, ...] = ()
    plan: tuple[StepKind, ...] = ()
    taken: tuple[StepTaken, ...] = ()  # as many as steps of the plan are done
    marks: dict[str, JsonValue] = Field(default_factory=dict)
    external_id: str | None = None
    callback: Callback | None = None
    undone: bool = False  # all that was changed for it only is taken back
    signature: str | None = None  # the cause this attempt answers
    external_run_id: str | None = None
    started_at: AwareDatetime
    prepared_in: str = ""
    doubted_at: AwareDatetime | None = None  # since when it may have been sent without our record
    sent_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    error: str | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will happen to this attempt."""
        return self.state in _OVER

    @property
    def never_left(self) -> bool:
        """Tell whether it was stopped before anything was sent: then it was no try."""
        stopped = self.state is AttemptState.CANCELLED
        return stopped and self.sent_at is None and not self.taken

    @property
    def step(self) -> StepKind:
        """Return the step that is being taken, or was taken last."""
        if not self.plan:  # stored before attempts had steps
            return StepKind(self.action)
        return self.plan[min(len(self.taken), len(self.plan) - 1)]

    @property
    def is_only_doubted(self) -> bool:
        """Tell whether this store knows of no request, and only a lost one could."""
        return self.sent_at is None and self.doubted_at is not None

    @property
    def is_last_step(self) -> bool:
        """Tell whether the present step is the one that shows if all is well."""
        return len(self.taken) + 1 >= len(self.plan)

    @property
    def to_undo(self) -> tuple[StepTaken, ...]:
        """Return the steps, done or begun, that have to be taken back yet."""
        if self.undone:
            return ()
        begun = self.step in UNDOABLE and self.state is not AttemptState.INTENT
        now = (StepTaken(kind=self.step, marks=self.marks),) if begun else ()
        return tuple(step for step in (*self.taken, *now) if step.kind in UNDOABLE)

    @property
    def step_key(self) -> str:
        """Return the idempotency key of the present step: 64 characters."""
        return self.key if not self.taken else _digest(f"{self.key}|{len(self.taken)}")

    def moved_to(self, state: AttemptState, **changes: object) -> Self:
        """Return this attempt in ``state`` with ``changes`` to other fields.

        Raises:
            IllegalTransition: ``state`` is not reachable from the current one.
        """
        if state not in LEGAL_MOVES[self.state]:
            raise IllegalTransition(f"attempt {self.number}: {self.state} -> {state}")
        return self.model_copy(update={"state": state, **changes})


def may_follow(old: Attempt, new: Attempt) -> bool:
    """Tell whether an attempt stored as ``old`` may be stored as ``new`` next."""
    if len(new.taken) < len(old.taken):
        return False
    if new.state is old.state:
        return True
    if new.state is AttemptState.INTENT and old.state is AttemptState.UNKNOWN:
        return old.step in TWICE_IS_ONCE or old.is_only_doubted
    if new.state is AttemptState.INTENT and old.state is AttemptState.ISSUED:
        return len(new.taken) == len(old.taken) + 1 and not old.is_last_step
    return new.state in LEGAL_MOVES[old.state]


def attempt_key(ticket_id: str, number: int) -> str:
    """Return the idempotency key of an attempt: the same whenever and wherever computed."""
    return _digest(f"{ticket_id}|{number}")


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
