"""A system of record that says what a test tells it to, and remembers what it was asked."""

from collections.abc import Callable
from typing import cast

from pydantic import JsonValue

from shared.domain.alert import Resource, TimeWindow
from shared.domain.run import RunSnapshot, StepFailure
from shared.ports.clock import Clock
from shared.ports.jobs import JobService
from shared.remedies.registry import Remedies, direct_remedies
from tests.support.builders import StoppedClock


class ScriptedPipelines:
    """Implements :class:`shared.ports.pipelines.PipelineService` in memory."""

    def __init__(self, *runs: RunSnapshot) -> None:
        self.known: dict[str, RunSnapshot] = {run.run_id: run for run in runs}
        self.failed_steps: dict[str, tuple[StepFailure, ...]] = {}
        self.definitions: dict[str, object] = {}
        self.cancelled: list[str] = []
        self.outputs: dict[tuple[str, str], JsonValue] = {}
        self.problem: Exception | None = None
        self.reruns: list[tuple[str, str, bool]] = []
        self.on_rerun: Callable[[], str] = lambda: f"rerun-{len(self.reruns)}"

    async def run(self, resource: Resource, run_id: str) -> RunSnapshot | None:
        """See the protocol."""
        self._maybe_fail()
        return self.known.get(run_id)

    async def failures(self, resource: Resource, run: RunSnapshot) -> tuple[StepFailure, ...]:
        """See the protocol."""
        self._maybe_fail()
        return self.failed_steps.get(run.run_id, ())

    async def runs(
        self, resource: Resource, target: str, window: TimeWindow
    ) -> tuple[RunSnapshot, ...]:
        """See the protocol."""
        self._maybe_fail()
        mine = (run for run in self.known.values() if run.name == target)
        return tuple(sorted(mine, key=lambda run: str(run.started_at), reverse=True))

    async def definition(self, resource: Resource, name: str) -> object:
        """See the protocol."""
        self._maybe_fail()
        return self.definitions.get(name)

    async def output(self, resource: Resource, run: RunSnapshot, step: str) -> JsonValue:
        """See the protocol."""
        self._maybe_fail()
        return self.outputs.get((run.run_id, step))

    async def query(self, warehouse: str, sql: str) -> JsonValue:
        """See the protocol of the warehouse."""
        self._maybe_fail()
        return self.outputs.get((warehouse, sql))

    async def rerun(
        self, resource: Resource, name: str, reference_run_id: str, *, from_failure: bool
    ) -> str:
        """See the protocol."""
        self.reruns.append((name, reference_run_id, from_failure))
        return self.on_rerun()

    async def cancel(self, resource: Resource, run_id: str) -> None:
        """See the protocol."""
        self.cancelled.append(run_id)

    async def rerun_trigger_run(self, resource: Resource, trigger: str, run_id: str) -> None:
        """See the protocol."""
        raise AssertionError(f"nobody asked for a rerun of {trigger}")

    async def trigger_state(self, resource: Resource, trigger: str) -> str | None:
        """See the protocol."""
        return None

    async def start_trigger(self, resource: Resource, trigger: str) -> None:
        """See the protocol."""
        raise AssertionError(f"nobody asked to start {trigger}")

    def _maybe_fail(self) -> None:
        if self.problem is not None:
            raise self.problem


def remedies_of(adf: ScriptedPipelines, clock: Clock | None = None) -> Remedies:
    """Return the steps over ``adf``; there is no Databricks workspace."""
    return direct_remedies(adf, cast("JobService", None), clock or StoppedClock())
