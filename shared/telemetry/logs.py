"""Log lines: text for people, JSON for machines, both with the ticket that they are about."""

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from shared.telemetry.spans import TICKET, current_ticket

# What every record has; the rest is what the caller added with ``extra``.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object per line: ``time`` (UTC), ``level``, ``logger``, ``message``, ``error``.

    ``ticket_id`` is there where one is worked on or was given, and so is whatever else the caller
    gave as ``extra``, as text unless it is a number or a truth value.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current_ticket():
            line[TICKET] = current_ticket()
        for name, value in vars(record).items():
            if name not in _USUAL and not name.startswith("_"):
                line[name] = value if isinstance(value, bool | int | float) else str(value)
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class WithTicket(logging.Filter):
    """Adds ``ticket_id`` to records that have none, so that exporters send it along."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        if current_ticket() and not hasattr(record, TICKET):
            setattr(record, TICKET, current_ticket())
        return True


def write_json(handlers: Iterable[logging.Handler]) -> None:
    """Let these handlers write JSON lines."""
    for handler in handlers:
        handler.setFormatter(JsonLines())
