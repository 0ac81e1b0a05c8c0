"""What really happened, as seen from the other side of the wire.

Tests and demos judge a product by this ledger, never by the product's own records.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
    """One call to the simulated service.

    Attributes:
        seq: 1, 2, 3, … without gaps.
        at: When the service decided, ISO 8601 UTC.
        action: Name of the operation, or ``unknown``.
        target: What the call was about: a pipeline, a run id, a trigger.
        body: Parsed JSON, the raw text if it was no JSON, ``None`` if empty.
        status: HTTP status that was answered; ``None`` when the connection was cut instead.
        effect: What came of it, for instance the new run's id; ``None`` if nothing changed.
        fault: Name of the ordered fault that struck this call, if any.
    """

    seq: int
    at: str
    action: str
    target: str
    method: str
    path: str
    query: Mapping[str, str]
    body: object
    status: int | None
    effect: str | None
    fault: str | None

    def as_json(self) -> dict[str, object]:
        """Return the entry as a plain dict."""
        return asdict(self)


@dataclass(slots=True)
class Ledger:
    """Append-only list of calls; only a reset of the whole simulator empties it."""

    entries: list[Entry] = field(default_factory=list)

    def record(  # noqa: PLR0913 - one argument per column of the ledger
        self,
        *,
        at: str,
        action: str,
        target: str,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: object,
        status: int | None,
        effect: str | None,
        fault: str | None,
    ) -> Entry:
        """Append one call and return its entry."""
        entry = Entry(
            seq=len(self.entries) + 1,
            at=at,
            action=action,
            target=target,
            method=method,
            path=path,
            query=dict(query),
            body=body,
            status=status,
            effect=effect,
            fault=fault,
        )
        self.entries.append(entry)
        return entry

    def find(self, *, action: str | None = None, after: int = 0) -> list[Entry]:
        """Return the entries with ``seq > after``, of one ``action`` or of all."""
        return [entry for entry in self.entries[after:] if action is None or entry.action == action]

    def clear(self) -> None:
        """Forget everything and count from 1 again."""
        self.entries.clear()
