"""One instance's history in memory: the events, and their JSON as it is stored and sent.

The worker gets the whole history every time. Keeping each event's text makes that a
join instead of a serialisation of everything that ever happened.
"""

import json

from localhost.durable.events import Event, EventType

to_text = json.JSONEncoder(separators=(",", ":")).encode


class History:
    """Events of one execution, oldest first."""

    __slots__ = ("events", "size_bytes", "texts")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.texts: list[str] = []
        self.size_bytes = 0

    @classmethod
    def from_texts(cls, texts: list[str]) -> "History":
        """Return the history stored as ``texts``, one JSON object each."""
        history = cls()
        for text in texts:
            history._add(json.loads(text), text)
        return history

    def __len__(self) -> int:
        return len(self.events)

    def append(self, event: Event, text: str | None = None) -> None:
        """Add ``event`` at the end. It must not be changed afterwards.

        Args:
            text: Its JSON, when that is known already.
        """
        self._add(event, text or to_text(event))

    def copy(self) -> "History":
        """Return a history that can grow without changing this one."""
        twin = History()
        twin.events, twin.texts = self.events.copy(), self.texts.copy()
        twin.size_bytes = self.size_bytes
        return twin

    def to_json(self) -> str:
        """Return the JSON array that the worker reads."""
        return "[" + ",".join(self.texts) + "]"

    def started(self) -> Event | None:
        """Return the ExecutionStarted event, or None before there is one."""
        return next((e for e in self.events if e["EventType"] == EventType.EXECUTION_STARTED), None)

    def last_turn(self) -> str | None:
        """Return the timestamp of the newest OrchestratorStarted event."""
        for event in reversed(self.events):
            if event["EventType"] == EventType.ORCHESTRATOR_STARTED:
                return str(event["Timestamp"])
        return None

    def _add(self, event: Event, text: str) -> None:
        self.events.append(event)
        self.texts.append(text)
        self.size_bytes += len(text)
