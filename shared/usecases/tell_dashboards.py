"""Find what has changed since the last look, and tell open dashboards about it."""

from typing import Protocol

from shared.domain.alert import CANARY
from shared.ports.push import Poke, Push
from shared.ports.settings import SettingsStore
from shared.ports.tickets import Order, TicketQuery, TicketStore

_MOST = 20
_SETTINGS = ("execution-mode", "kill-switch", "policy")


class Store(TicketStore, SettingsStore, Protocol):
    """All that is read here."""


class Watch:
    """Remembers versions between two looks; one per process.

    With more changes between two looks than are looked at, pages are told to ask for all.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] | None = None

    async def look(self, store: Store, push: Push) -> int:
        """Tell what has changed since the last look; return how many pokes were sent."""
        found = await _versions(store)
        before, self._seen = self._seen, found
        if before is None:
            return 0
        changed = [name for name, version in found.items() if before.get(name) != version]
        tickets = sum(not name.startswith("settings") for name in changed)
        if tickets >= _MOST:
            await push.tell(Poke(kind="tickets.changed", id="", version=0))
            return 1
        for name in changed:
            kind = "settings.changed" if name.startswith("settings") else "ticket.updated"
            await push.tell(Poke(kind=kind, id=name, version=found[name]))
        return len(changed)


async def _versions(store: Store) -> dict[str, int]:
    latest = TicketQuery(except_source=(CANARY,), order=Order.LATEST_CHANGE, limit=_MOST)
    found = {one.id: one.version for one in (await store.search(latest)).items}
    for name in _SETTINGS:
        stored = await store.read(name)
        found[f"settings/{name}"] = stored.version if stored else 0
    return found
