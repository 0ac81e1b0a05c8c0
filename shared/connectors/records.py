"""One system of record out of several: who is asked depends on the platform."""

from collections.abc import Mapping
from typing import Protocol

from pydantic import JsonValue

from shared.domain.alert import Platform, Resource, TimeWindow
from shared.domain.errors import Refused
from shared.domain.run import RunSnapshot, StepFailure
from shared.ports.measures import OutputReader
from shared.ports.runs import DefinitionReader, RunReader


class Record(RunReader, OutputReader, DefinitionReader, Protocol):
    """One platform's system of record."""


class Records:
    """Implements :class:`~shared.ports.runs.RunReader` for all platforms.

    Args:
        readers: By platform. Asking for another one is refused.
    """

    def __init__(self, readers: Mapping[Platform, Record]) -> None:
        self._readers = readers

    async def run(self, resource: Resource, run_id: str) -> RunSnapshot | None:
        """See the protocol."""
        return await self._of(resource).run(resource, run_id)

    async def failures(self, resource: Resource, run: RunSnapshot) -> tuple[StepFailure, ...]:
        """See the protocol."""
        return await self._of(resource).failures(resource, run)

    async def runs(
        self, resource: Resource, target: str, window: TimeWindow
    ) -> tuple[RunSnapshot, ...]:
        """See the protocol."""
        return await self._of(resource).runs(resource, target, window)

    async def definition(self, resource: Resource, name: str) -> object:
        """See :class:`~shared.ports.runs.DefinitionReader`."""
        return await self._of(resource).definition(resource, name)

    async def output(self, resource: Resource, run: RunSnapshot, step: str) -> JsonValue:
        """See :class:`~shared.ports.measures.OutputReader`."""
        return await self._of(resource).output(resource, run, step)

    def _of(self, resource: Resource) -> Record:
        reader = self._readers.get(resource.platform)
        if reader is None:
            raise Refused(
                resource.platform,
                "Mend reads runs of Data Factory and Databricks only; this one needs a person",
            )
        return reader
