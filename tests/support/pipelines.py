"""A system of record that says what a test tells it to, and remembers what it was asked."""

from collections.abc import Callable

from shared.domain.alert import Resource, TimeWindow
from shared.domain.run import RunSnapshot, StepFailure


class ScriptedPipelines:
    """Implements :class:`shared.ports.pipelines.PipelineService` in memory."""

    def __init__(self, *runs: RunSnapshot) -> None:
        self.known: dict[str, RunSnapshot] = {run.run_id: run for run in runs}
        self.failed_steps: dict[str, tuple[StepFailure, ...]] = {}
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
        self, resource: Resource, name: str, window: TimeWindow
    ) -> tuple[RunSnapshot, ...]:
        """See the protocol."""
        self._maybe_fail()
        mine = (run for run in self.known.values() if run.name == name)
        return tuple(sorted(mine, key=lambda run: str(run.started_at), reverse=True))

    async def rerun(
        self, resource: Resource, name: str, reference_run_id: str, *, from_failure: bool
    ) -> str:
        """See the protocol."""
        self.reruns.append((name, reference_run_id, from_failure))
        return self.on_rerun()

    def _maybe_fail(self) -> None:
        if self.problem is not None:
            raise self.problem
