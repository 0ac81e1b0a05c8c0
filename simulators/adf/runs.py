"""One pipeline run: its status is a function of time, so nothing ticks in the background."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from simulators.adf.scripts import ActivityDefinition, ActivityError, InvokedBy, RunScript

TERMINAL = frozenset({"Succeeded", "Failed", "Cancelled"})
_NEVER = datetime.max.replace(tzinfo=UTC)
_UNTOLD = ActivityError(
    errorCode="2200", message="ErrorCode=Unspecified,'Message=Scripted without an error text.'"
)


@dataclass(frozen=True, slots=True)
class ActivityRun:
    """An activity run as it is at some moment."""

    name: str
    type: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    error: ActivityError | None
    input: Mapping[str, object]
    output: Mapping[str, object]

    @property
    def updated_at(self) -> datetime:
        """When it last changed."""
        return self.ended_at or self.started_at


@dataclass(slots=True)
class Run:
    """A pipeline run.

    Attributes:
        seq: Order of creation within the simulator.
        factory: Resource id in lower case; ``None``: seen in every factory.
        created_at: Its ``runStart``, queued or not.
        visible_at: Before that nobody sees it.
        admitted_at: When its script began; ``None`` while it waits behind ``concurrency``.
        activities: What it executes, in order.
        carried: Activities that an earlier run of the group did already.
        cancel_at: When cancelling was asked for; ``cancelled_at``: when it is done.
    """

    seq: int
    run_id: str
    group_id: str
    pipeline: str
    factory: str | None
    parameters: dict[str, str]
    invoked_by: InvokedBy
    script: RunScript
    created_at: datetime
    visible_at: datetime
    activities: tuple[ActivityDefinition, ...]
    carried: frozenset[str] = frozenset()
    reference_run_id: str | None = None
    admitted_at: datetime | None = None
    cancel_at: datetime | None = None
    cancelled_at: datetime | None = None
    _changes: list[tuple[datetime, str]] = field(default_factory=list)

    def admit(self, at: datetime) -> None:
        """Let the script begin at ``at``."""
        self.admitted_at = at
        self._changes = []
        for step in self.script.path():
            if step.seconds > 0:
                self._changes.append((at, step.status))
            at += timedelta(seconds=step.seconds)
        self._changes.append((at, self.script.status))

    def cancel(self, at: datetime, seconds: float) -> None:
        """Be Canceling for ``seconds`` from ``at``, then Cancelled."""
        self.cancel_at = at
        self.cancelled_at = at + timedelta(seconds=seconds)

    def status(self, now: datetime) -> str:
        """Return the status at ``now``."""
        return self._last_change(now)[1]

    def updated_at(self, now: datetime) -> datetime:
        """Return when the status last changed."""
        return self._last_change(now)[0]

    def is_terminal(self, now: datetime) -> bool:
        """Tell whether the run is over at ``now``."""
        return self.status(now) in TERMINAL

    def end(self) -> datetime | None:
        """Return when the run ends as things stand; ``None``: never, or not admitted yet."""
        if self.cancelled_at is not None:
            return self.cancelled_at
        if not self._changes or self.script.status not in TERMINAL:
            return None
        return self._changes[-1][0]

    def ended_at(self, now: datetime) -> datetime | None:
        """Return when the run ended, ``None`` if it has not."""
        return self.end() if self.is_terminal(now) else None

    def message(self, now: datetime) -> str | None:
        """Return the run's message: the first failed activity's words when it failed."""
        status = self.status(now)
        if status == "Queued":
            return None
        if self.cancel_at is not None or status != self.script.status:
            return ""
        if self.script.message is not None:
            return self.script.message
        if status != "Failed":
            return ""
        return f"Operation on target {self._culprit().name} failed: {self._error().message}"

    def activity_runs(self, now: datetime) -> list[ActivityRun]:
        """Return the activities that have begun by ``now``, in order of their start."""
        window = self._window()
        if window is None:
            return []
        begin, share = window
        runs = []
        for number, activity in enumerate(self._executed()):
            start = begin + number * share
            if start > now or (self.cancel_at is not None and start >= self.cancel_at):
                break
            runs.append(self._activity_run(activity, start, start + share, now))
        return runs

    def done_activities(self, now: datetime) -> frozenset[str]:
        """Return the names of activities that need not run again."""
        succeeded = {run.name for run in self.activity_runs(now) if run.status == "Succeeded"}
        return self.carried | succeeded

    def _last_change(self, now: datetime) -> tuple[datetime, str]:
        if self.cancel_at is not None and self.cancelled_at is not None:
            if now >= self.cancelled_at:
                return self.cancelled_at, "Cancelled"
            if now >= self.cancel_at:
                return self.cancel_at, "Canceling"
        past = [change for change in self._changes if change[0] <= now]
        return past[-1] if past else (self.created_at, "Queued")

    def _executed(self) -> list[ActivityDefinition]:
        """The activities that will have begun by the end of the script."""
        if not self._fails():
            return list(self.activities)
        if self.script.status == "Succeeded":
            return list(self.activities)
        names = [activity.name for activity in self.activities]
        return list(self.activities[: names.index(self._culprit().name) + 1])

    def _fails(self) -> bool:
        return self.script.status in {"Failed", "Cancelled"} or self.script.error is not None

    def _culprit(self) -> ActivityDefinition:
        for activity in self.activities:
            if activity.name == self.script.failed_activity:
                return activity
        return self.activities[-1]

    def _error(self) -> ActivityError:
        if self.script.error is not None:
            return self.script.error
        return _UNTOLD if self.script.status == "Failed" else ActivityError()

    def _window(self) -> tuple[datetime, timedelta] | None:
        """When the first activity begins, and how long each takes."""
        if not self._changes:
            return None
        begin = next(
            (at for at, status in self._changes if status != "Queued"), self._changes[-1][0]
        )
        executed = len(self._executed())
        return begin, (self._changes[-1][0] - begin) / max(executed, 1)

    def _activity_run(
        self, activity: ActivityDefinition, start: datetime, end: datetime, now: datetime
    ) -> ActivityRun:
        guilty = self._fails() and activity == self._culprit()
        status, error = "Succeeded", None
        if guilty:
            status = "Cancelled" if self.script.status == "Cancelled" else "Failed"
            error = self._error()
        if self.script.status not in TERMINAL and activity == self.activities[-1]:
            end = _NEVER
        if self.cancel_at is not None and self.cancelled_at is not None and end > self.cancel_at:
            guilty, status, end, error = False, "Cancelled", self.cancelled_at, ActivityError()
        running = now < end
        return ActivityRun(
            name=activity.name,
            type=activity.type,
            status="InProgress" if running else status,
            started_at=start,
            ended_at=None if running else end,
            error=None if running else error,
            input=self.script.activity_input if guilty else {},
            output={} if running else self._output(activity, guilty=guilty),
        )

    def _output(self, activity: ActivityDefinition, *, guilty: bool) -> dict[str, object]:
        return self.script.activity_output if guilty else self.script.outputs.get(activity.name, {})


def without_carried(
    declared: tuple[ActivityDefinition, ...], carried: frozenset[str]
) -> tuple[ActivityDefinition, ...]:
    """Return what a run executes: all that is not carried over, or all if nothing is left."""
    remaining = tuple(activity for activity in declared if activity.name not in carried)
    return remaining or declared
