"""Triggers, their runs, and integration runtimes, in simple form."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulators.adf import refusals
from simulators.adf.scripts import IntegrationRuntimeScript, TriggerRunScript, TriggerScript


@dataclass(slots=True)
class Trigger:
    """A trigger; ``state`` is Started, Stopped or Disabled."""

    name: str
    type: str
    state: str
    pipeline: str | None


@dataclass(frozen=True, slots=True)
class TriggerRun:
    """A firing of a trigger; reruns share ``group_id`` with the first."""

    trigger_run_id: str
    group_id: str
    trigger: Trigger
    status: str
    at: datetime
    pipeline_run_id: str | None


@dataclass(slots=True)
class Triggers:
    """All triggers and their runs."""

    _triggers: dict[str, Trigger] = field(default_factory=dict)
    _runs: list[TriggerRun] = field(default_factory=list)

    def clear(self) -> None:
        """Forget everything."""
        self._triggers.clear()
        self._runs.clear()

    def declare(self, script: TriggerScript) -> Trigger:
        """Declare or replace a trigger."""
        trigger = Trigger(script.name, script.type, script.state, script.pipeline)
        self._triggers[script.name.casefold()] = trigger
        return trigger

    def seed(self, script: TriggerRunScript, now: datetime) -> TriggerRun:
        """Put a past firing there.

        Raises:
            Refused: the trigger is not declared.
        """
        run_id = script.trigger_run_id or _new_id()
        trigger = self.get(script.trigger)
        return self._keep(TriggerRun(run_id, run_id, trigger, script.status, now, script.run_id))

    def get(self, name: str) -> Trigger:
        """Return a trigger.

        Raises:
            Refused: 404, there is none.
        """
        found = self._triggers.get(name.casefold())
        if found is None:
            raise refusals.trigger_not_found(name)
        return found

    def set_state(self, name: str, state: str) -> bool:
        """Start or stop a trigger; tell whether that changed anything.

        Raises:
            Refused: 404, there is none.
        """
        trigger = self.get(name)
        changed = trigger.state != state
        trigger.state = state
        return changed

    def run(self, name: str, trigger_run_id: str) -> TriggerRun:
        """Return one run of a trigger.

        Raises:
            Refused: 404, the trigger or the run does not exist.
        """
        trigger = self.get(name)
        for run in self._runs:
            if run.trigger is trigger and run.trigger_run_id == trigger_run_id:
                return run
        raise refusals.trigger_run_not_found(trigger_run_id)

    def rerun(self, original: TriggerRun, pipeline_run_id: str | None, now: datetime) -> TriggerRun:
        """Note that ``original`` was fired again; it stays as it was."""
        return self._keep(
            TriggerRun(
                _new_id(), original.group_id, original.trigger, "Succeeded", now, pipeline_run_id
            )
        )

    def runs(self) -> list[TriggerRun]:
        """Return all runs, oldest first."""
        return list(self._runs)

    def _keep(self, run: TriggerRun) -> TriggerRun:
        self._runs.append(run)
        return run


@dataclass(slots=True)
class IntegrationRuntimes:
    """All integration runtimes; their state is a function of time."""

    _known: dict[str, tuple[IntegrationRuntimeScript, datetime]] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()

    def declare(self, script: IntegrationRuntimeScript, now: datetime) -> None:
        """Declare or replace a runtime; its path of states begins ``now``."""
        self._known[script.name.casefold()] = (script, now)

    def get(self, name: str, now: datetime) -> tuple[IntegrationRuntimeScript, str]:
        """Return a runtime and its state at ``now``.

        Raises:
            Refused: 404, there is none.
        """
        if name.casefold() not in self._known:
            raise refusals.runtime_not_found(name)
        script, at = self._known[name.casefold()]
        for step in script.state_path:
            at += timedelta(seconds=step.seconds)
            if now < at:
                return script, step.status
        return script, script.state


def _new_id() -> str:
    return f"{uuid.uuid4().int % 10**29:029d}CU07"
