"""Who a request comes from: people, and programs with a role, show access tokens of Entra ID.

Source: Microsoft Learn, "Access token claims reference". The header ``x-ms-client-principal``
is not read: whoever calls the app directly could send it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from shared.domain.errors import Unauthenticated
from shared.domain.identity import Identity, identity_of
from shared.security.credentials import Entra
from shared.security.entra import LEEWAY_SECONDS, KeySets, TokenValidator, key_set

_SCHEME = "bearer"


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """Return what follows ``Bearer`` in ``Authorization``; ``None``: there is no such header.

    Empty if it is a header that no token follows.
    """
    given = [value for name, value in headers.items() if name.lower() == "authorization"]
    if len(given) != 1:
        return "" if given else None
    scheme, _, token = given[0].strip().partition(" ")
    return token.strip() if scheme.lower() == _SCHEME else None


async def identify(
    token: str, accepted: Sequence[Entra], now: datetime, *, key_sets: KeySets = key_set
) -> Identity:
    """Return whose token it is.

    Args:
        accepted: Tenant, audience, issuers and keys; one of these must match. None means nobody.
        now: Aware.

    Raises:
        Unauthenticated: anything is wrong with it; the text is always the same.
        Unavailable: the issuer's keys cannot be read.
    """
    for one in accepted:
        validator = TokenValidator(
            keys=key_sets(one.keys_url),
            issuers=one.issuers,
            audience=one.audience,
            tenant=one.tenant,
        )
        try:
            claims = await validator.claims(token, now)
            return replace(identity_of(claims), until=_end_of(claims))
        except Unauthenticated:
            continue
    raise Unauthenticated


def _end_of(claims: Mapping[str, object]) -> datetime:
    """Return until when the token is believed.

    Raises:
        Unauthenticated: it has no end that anybody will live to see.
    """
    ends = claims.get("exp")
    try:
        return datetime.fromtimestamp(float(str(ends)) + LEEWAY_SECONDS, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unauthenticated from None
