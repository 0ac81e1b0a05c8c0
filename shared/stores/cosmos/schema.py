"""The containers: their names, how they are partitioned and what is indexed in them.

``infra/`` creates the same ones on Azure. A container that is missing is an error there; on an
emulator the store makes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PARTITION_KEY = "/pk"
"""Every container's partition key: one partition is one unit of commit."""

TICKETS = "tickets"
"""A partition per ticket: the ticket, its events, errands and notes for the audit trail."""

CLAIMS = "claims"
"""A partition per claim."""

BOOKS = "books"
"""Settings, deliveries with their counts, and the ledger of attempts; see each module."""

TRAIL = "trail"
"""The audit trail: a partition per 100,000 entries."""

LEASES = "leases"
"""Written by the change feed trigger of the Functions host, never by us. Partition key ``/id``."""

# Bodies are read whole and never asked about; an index on them would only cost writes.
_UNASKED = ("/body/?", "/writes/*", '/"_etag"/?')
_ORDERS = ("created_at", "updated_at", "rank")


@dataclass(frozen=True, slots=True)
class Container:
    """How one container is made. ``expires``: items may say when they go (``ttl``, seconds)."""

    name: str
    expires: bool = False
    composites: tuple[tuple[str, ...], ...] = field(default=())

    @property
    def indexing_policy(self) -> Mapping[str, Any]:
        """Azure's own shape of it, for the SDK and for comparing with ``infra/``."""
        return {
            "indexingMode": "consistent",
            "automatic": True,
            "includedPaths": [{"path": "/*"}],
            "excludedPaths": [{"path": path} for path in _UNASKED],
            "compositeIndexes": [
                [{"path": path, "order": "ascending"} for path in paths]
                for paths in self.composites
            ],
        }


CONTAINERS = (
    # An index read backwards serves the opposite order too.
    Container(TICKETS, composites=tuple((f"/{name}", "/id") for name in _ORDERS)),
    Container(CLAIMS, expires=True),
    Container(BOOKS, expires=True),
    Container(TRAIL),
)
"""All that the store writes to."""
