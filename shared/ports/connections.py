"""Outside systems that can be tried: one cheap read each, which changes nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@runtime_checkable
class Reachable(Protocol):
    """A connector that can be tried."""

    async def reach(self) -> str:
        """Read something small with the real credential; return in words what answered.

        Raises:
            ConnectorError: it did not; ``status`` tells how far it came.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One outside system that the settings name.

    Attributes:
        name: Stable, in lower case.
        title: For people.
        where: Its host, nothing that could be a secret.
        credential: What is shown there: a reference or a setting's name, never a value.
        settings: Names of the settings it is made of.
        role: What the identity needs to be allowed there; empty: nothing to give.
        reads: What a try looks at.
        shows: Whether the credential is shown there; where every request does something, it is not.
        reach: As in :class:`Reachable`.
    """

    name: str
    title: str
    where: str
    credential: str
    settings: tuple[str, ...]
    role: str = ""
    reads: str
    shows: bool = True
    reach: Callable[[], Awaitable[str]]
