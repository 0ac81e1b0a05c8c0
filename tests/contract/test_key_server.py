"""Keys of an identity provider in another process: what a connection can do to the answer."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from shared.domain.errors import Unavailable
from shared.security.entra import KeySet
from simulators.client import IdentitySimulator
from tests.support.simulators import identity, identity_process

__all__ = ["identity", "identity_process"]

TENANT = "00000000-0000-4000-8000-0000000000aa"
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


async def test_keys_are_read_over_the_wire(identity: IdentitySimulator) -> None:
    """Once, for many tokens."""
    keys = KeySet(identity.keys_url(TENANT))
    kid = jwt.get_unverified_header(identity.token(TENANT, {}))["kid"]

    assert await keys.key(kid, NOW) is await keys.key(kid, NOW) is not None
    assert await keys.key("another", NOW) is None
    assert len(identity.ledger("getKeys")) == 1


@pytest.mark.parametrize(
    "fault", ["reset_before", "reset_after", "truncated_json", "html_200", "refuse_503"]
)
async def test_a_broken_answer_is_unavailable(identity: IdentitySimulator, fault: str) -> None:
    """Not half a key set, and not a refusal of the sender."""
    keys = KeySet(identity.keys_url(TENANT))
    kid = jwt.get_unverified_header(identity.token(TENANT, {}))["kid"]
    identity.fault("getKeys", fault)

    with pytest.raises(Unavailable):
        await keys.key(kid, NOW)
    assert await keys.key(kid, NOW + timedelta(seconds=5)) is not None


async def test_nobody_there_is_unavailable() -> None:
    """Nothing listens on port 1."""
    with pytest.raises(Unavailable):
        await KeySet("http://127.0.0.1:1/keys").key("a", NOW)
