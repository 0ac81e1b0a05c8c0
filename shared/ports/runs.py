"""The system of record of a platform: what ran, and what became of it."""

from typing import Protocol

from shared.domain.alert import Resource, TimeWindow
from shared.domain.run import RunSnapshot, StepFailure


class DefinitionReader(Protocol):
    """Reads what a pipeline or job consists of; raises as the reads of :class:`RunReader` do."""

    async def definition(self, resource: Resource, name: str) -> object:
        """Return it as the platform answers it; ``None`` where it would tell nothing."""
        ...


class FailureFeed(Protocol):
    """What has failed in one factory or workspace, whoever knows of it."""

    @property
    def scope(self) -> str:
        """Which one, as in :attr:`~shared.domain.alert.Resource.scope`."""
        ...

    def resource(self, run: RunSnapshot) -> Resource:
        """Return what the run is a run of."""
        ...

    async def failed_runs(self, window: TimeWindow) -> tuple[RunSnapshot, ...]:
        """Return the runs that failed in ``window``.

        Raises as the reads of :class:`RunReader` do.
        """
        ...


class RunReader(Protocol):
    """Reads runs. ``resource`` says where; its ``run_id`` is not used.

    Every read raises :class:`~shared.domain.errors.Transient` when it is worth asking
    again and :class:`~shared.domain.errors.Refused` when it is not.
    """

    async def run(self, resource: Resource, run_id: str) -> RunSnapshot | None:
        """Return the run, or ``None`` if the system does not know it (yet)."""
        ...

    async def failures(self, resource: Resource, run: RunSnapshot) -> tuple[StepFailure, ...]:
        """Return the failed steps of ``run``, the innermost cause first.

        Failed child runs are followed down, so that a wrapper's text never hides
        the leaf's. Of a step that was tried several times only the last try counts.
        """
        ...

    async def runs(
        self, resource: Resource, target: str, window: TimeWindow
    ) -> tuple[RunSnapshot, ...]:
        """Return runs of ``target`` that were active in ``window``, newest first.

        ``target`` is what :attr:`~shared.domain.run.RunSnapshot.target` says: a
        pipeline's name, a job's id.
        """
        ...
