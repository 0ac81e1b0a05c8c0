"""What has failed in the factory and the workspace that the settings name."""

from typing import Protocol

from shared.domain.alert import Platform, Resource, TimeWindow
from shared.domain.run import RunSnapshot

_KINDS = {Platform.ADF: "pipeline", Platform.DATABRICKS: "job"}


class _Lister(Protocol):
    async def failed_runs(self, resource: Resource, window: TimeWindow) -> tuple[RunSnapshot, ...]:
        """Return the runs that failed in ``window``."""
        ...


class Feed:
    """Implements :class:`~shared.ports.runs.FailureFeed`.

    Args:
        lister: The platform's connector.
        scope: Of every resource in there.
    """

    def __init__(self, platform: Platform, scope: str, lister: _Lister) -> None:
        self.scope = scope
        self._platform = platform
        self._lister = lister

    def resource(self, run: RunSnapshot) -> Resource:
        """See the protocol."""
        return self._named(run.name, run.run_id)

    async def failed_runs(self, window: TimeWindow) -> tuple[RunSnapshot, ...]:
        """See the protocol."""
        return await self._lister.failed_runs(self._named("", None), window)

    def _named(self, name: str, run_id: str | None) -> Resource:
        kind = _KINDS[self._platform]
        return Resource(
            platform=self._platform, scope=self.scope, kind=kind, name=name, run_id=run_id
        )
