"""The system of record of a pipeline platform: what ran, and how to run it again."""

from typing import Protocol

from shared.domain.alert import Resource, TimeWindow
from shared.domain.run import RunSnapshot, StepFailure


class PipelineService(Protocol):
    """Reads runs and starts reruns. ``resource`` says where; its ``run_id`` is not used.

    Reads raise :class:`~shared.domain.errors.Transient` when it is worth asking
    again and :class:`~shared.domain.errors.Refused` when it is not.
    """

    async def run(self, resource: Resource, run_id: str) -> RunSnapshot | None:
        """Return the run, or ``None`` if the system does not know it (yet)."""
        ...

    async def failures(self, resource: Resource, run: RunSnapshot) -> tuple[StepFailure, ...]:
        """Return the failed steps of ``run``, the innermost cause first.

        Failed child runs are followed down, so that a wrapper's text never hides
        the leaf's.
        """
        ...

    async def runs(
        self, resource: Resource, name: str, window: TimeWindow
    ) -> tuple[RunSnapshot, ...]:
        """Return runs of the pipeline ``name`` last updated in ``window``, newest first."""
        ...

    async def rerun(
        self, resource: Resource, name: str, reference_run_id: str, *, from_failure: bool
    ) -> str:
        """Start ``name`` again as a recovery of ``reference_run_id``; return the new run's id.

        Sends at most one request; never repeated by a library.

        Raises:
            Transient: nothing can have happened; sending again is safe.
            OutcomeUnknown: it may be running. Look for it; do not send again.
            Refused: refused for good.
        """
        ...
