"""Tells open dashboards that something has changed; what it is they ask the API."""

from typing import Protocol

from shared.domain.model import Model


class Poke(Model):
    """What changed: a ticket by its id, or ``settings``. Never any content."""

    v: int = 1
    kind: str
    id: str
    version: int


class Address(Model):
    """Where a page connects to, and for how long that is good."""

    url: str
    protocol: str = "json.webpubsub.azure.v1"
    expires_in: int


class Push(Protocol):
    """Every method may raise ``Unavailable``; pages ask by themselves then."""

    async def address(self, user: str) -> Address:
        """Return an address for one page."""
        ...

    async def tell(self, poke: Poke) -> None:
        """Send ``poke`` to all pages."""
        ...
