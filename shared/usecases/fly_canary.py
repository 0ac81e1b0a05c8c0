"""Send an alert the way every sender does, and see that it comes through in time.

What is counted is the whole way: over the network into the webhook, into the store, through
the orchestration, to the end of its ticket.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import AwareDatetime, ValidationError

from shared.domain.model import Model
from shared.domain.ticket import Outcome
from shared.ports.clock import Clock
from shared.ports.settings import SettingsStore
from shared.ports.tickets import TicketStore

_NAME = "canary"
_PATIENCE = timedelta(minutes=5)

Send = Callable[[bytes], Awaitable[str]]
"""Posts a body to the canary's webhook and returns the ticket's id; raises what went wrong."""


class Store(TicketStore, SettingsStore, Protocol):
    """All that is read and written here."""


class Canary(Model):
    """The latest canary. ``seconds``: from sending to the end of its ticket."""

    name: str
    sent_at: AwareDatetime
    ticket_id: str | None = None
    seconds: float | None = None
    problem: str = ""

    def is_late(self, now: datetime) -> bool:
        """Tell whether it should have come through by now."""
        return self.seconds is None and (bool(self.problem) or now > self.sent_at + _PATIENCE)


async def latest_canary(store: Store) -> Canary | None:
    """Return the latest one, with its end if it has come through; ``None``: none ever flew."""
    stored = await store.read(_NAME)
    if stored is None:
        return None
    try:
        canary = Canary.model_validate(stored.value)
    except ValidationError:
        return None
    ticket = await store.find(canary.ticket_id) if canary.ticket_id else None
    if ticket is None or ticket.closed_at is None:
        return canary
    if ticket.outcome is not Outcome.FALSE_POSITIVE:
        return canary.model_copy(update={"problem": f"its ticket ended as {ticket.outcome}"})
    seconds = (ticket.closed_at - canary.sent_at).total_seconds()
    return canary.model_copy(update={"seconds": round(seconds, 3)})


async def fly_canary(store: Store, clock: Clock, send: Send, *, every: timedelta) -> Canary | None:
    """Send the next one when it is time; return it, or ``None`` if it is not time yet."""
    now = clock.now()
    last = await latest_canary(store)
    if last is not None and now < last.sent_at + every:
        return None
    canary = Canary(name=f"{now:%Y%m%dT%H%M%S}", sent_at=now)
    try:
        ticket_id = await send(json.dumps({"canary": canary.name}).encode())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the canary is for
        canary = canary.model_copy(update={"problem": f"{type(error).__name__}: {error}"[:500]})
    else:
        canary = canary.model_copy(update={"ticket_id": ticket_id})
    await store.write(_NAME, canary.model_dump(mode="json"))
    return canary
