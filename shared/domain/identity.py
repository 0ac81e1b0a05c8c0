"""Who asks, and what they may do.

Roles are sets of rights, not steps of a ladder: who approves does not thereby operate, so that
both can be kept apart. Only the administrator has all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from shared.domain.errors import Forbidden, Unauthenticated

_PREFIX = "mend."
_MAX_NAME_CHARS = 200
_MAX_ID_CHARS = 100
_NAMES = ("preferred_username", "upn", "name")


class Role(StrEnum):
    """What a person was given in the app registration."""

    VIEWER = "viewer"  # reads
    OPERATOR = "operator"  # opens, edits and cancels tickets, drives again, stops everything
    APPROVER = "approver"  # decides
    ADMIN = "admin"  # changes settings and policy, lets actions go on; and all of the above


_INCLUDED = {
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.OPERATOR: frozenset({Role.VIEWER, Role.OPERATOR}),
    Role.APPROVER: frozenset({Role.VIEWER, Role.APPROVER}),
    Role.ADMIN: frozenset(Role),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """A person, or a program that was given a role.

    Attributes:
        name: For people to read; it may change, and two may have the same.
        oid: What identities are compared by: Entra's object id.
        roles: With those that are included in others.
        method: How we know.
        until: When the proof of it ends; ``None``: it needs none.
    """

    name: str
    oid: str
    roles: frozenset[Role]
    method: Literal["local", "entra"]
    until: datetime | None = None

    def require(self, role: Role) -> None:
        """Refuse who has not got ``role``.

        Raises:
            Forbidden: naming the role that is missing.
        """
        if role not in self.roles:
            raise Forbidden(f"this needs the role {role}, which {self.name} has not got")


LOCAL = Identity("local user", "local", frozenset(Role), "local")
"""Whoever reaches a host that answers on loopback only."""


def roles_of(values: object) -> frozenset[Role]:
    """Return the roles that a ``roles`` claim names, with those they include.

    ``Mend.Approver`` and ``approver`` are the same; what is none of ours gives nothing.
    """
    found: set[Role] = set()
    for value in values if isinstance(values, list) else ():
        name = value.lower().removeprefix(_PREFIX) if isinstance(value, str) else ""
        if name in tuple(Role):
            found |= _INCLUDED[Role(name)]
    return frozenset(found)


def identity_of(claims: Mapping[str, object]) -> Identity:
    """Return whom a token was issued to.

    Args:
        claims: Of a token that was found good.

    Raises:
        Unauthenticated: it does not say who.
    """
    oid = claims.get("oid")
    if not isinstance(oid, str) or not 0 < len(oid) <= _MAX_ID_CHARS:
        raise Unauthenticated
    oid = oid.lower()
    name = _first_text(claims.get(one) for one in _NAMES) or oid
    return Identity(name, oid, roles_of(claims.get("roles")), "entra")


def _first_text(values: Iterable[object]) -> str:
    for value in values:
        if isinstance(value, str):
            plain = "".join(c for c in value if c.isprintable())[:_MAX_NAME_CHARS].strip()
            if plain:
                return plain
    return ""
