"""Measures of the data that a run has written."""

from typing import Protocol

from pydantic import JsonValue

from shared.domain.alert import Resource
from shared.domain.run import RunSnapshot


class OutputReader(Protocol):
    """Reads what the steps of a run have put out.

    Raises as the reads of :class:`~shared.ports.runs.RunReader` do.
    """

    async def output(self, resource: Resource, run: RunSnapshot, step: str) -> JsonValue:
        """Return the output of ``step``, the last try of it; ``None`` if it has none."""
        ...


class Warehouse(Protocol):
    """Answers queries. Raises as the reads of :class:`~shared.ports.runs.RunReader` do."""

    async def query(self, warehouse: str, sql: str) -> JsonValue:
        """Return the first value of the first row; ``None`` if there is no row."""
        ...
