"""A data factory: what ran there, and how to run it again."""

from typing import Protocol

from shared.domain.alert import Resource
from shared.ports.runs import RunReader


class PipelineService(RunReader, Protocol):
    """Reads pipeline runs and starts reruns.

    Each change sends at most one request, never repeated by a library, and raises

    * ``Transient``: nothing can have happened; sending again is safe;
    * ``OutcomeUnknown``: it may have happened. Look for it; do not send again;
    * ``Refused``: refused for good.
    """

    async def rerun(
        self, resource: Resource, name: str, reference_run_id: str, *, from_failure: bool
    ) -> str:
        """Start ``name`` again as a recovery of ``reference_run_id``; return the new run's id."""
        ...

    async def cancel(self, resource: Resource, run_id: str) -> None:
        """Cancel a run; one that is over stays as it is.

        Raises:
            Transient, OutcomeUnknown: it may go on; cancel it again.
            Refused: it may not be cancelled.
        """
        ...

    async def rerun_trigger_run(self, resource: Resource, trigger: str, run_id: str) -> None:
        """Let a trigger's run happen again, for the same window."""
        ...

    async def trigger_state(self, resource: Resource, trigger: str) -> str | None:
        """Return ``Started``, ``Stopped`` or ``Disabled``; ``None``: there is no such trigger."""
        ...

    async def start_trigger(self, resource: Resource, trigger: str) -> None:
        """Start a stopped trigger; goes on after the answer."""
        ...
