"""The Key Vault, as Microsoft's own client sees it."""

from collections.abc import Iterator

import httpx
import pytest

from shared.domain.errors import NotConfigured, Unavailable
from shared.security.key_vault import reader
from simulators.client import KeyVaultSimulator, SimulatorError
from tests.support.simulators import key_vault, key_vault_process

__all__ = ["key_vault", "key_vault_process"]

AUTHORISED = {"Authorization": "Bearer x"}


@pytest.fixture
def client(key_vault: KeyVaultSimulator) -> Iterator[httpx.Client]:
    """Calls to the service."""
    with httpx.Client(base_url=key_vault.url, trust_env=False, headers=AUTHORISED) as found:
        yield found


def test_the_newest_version_is_read(key_vault: KeyVaultSimulator) -> None:
    """By the SDK, whatever the case of the name."""
    key_vault.put("databricks-token", "old")
    key_vault.put("databricks-token", "new")

    assert reader(key_vault.url)("Databricks-Token") == "new"
    assert key_vault.ledger()[0].target == "Databricks-Token"


def test_an_older_version_is_still_there(
    key_vault: KeyVaultSimulator, client: httpx.Client
) -> None:
    """By its number."""
    number = key_vault.put("a", "old")
    key_vault.put("a", "new")

    found = client.get(f"/secrets/a/{number}", params={"api-version": "7.6"}).json()

    assert found["value"] == "old"
    assert found["id"] == f"{key_vault.url}/secrets/a/{number}"


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (None, NotConfigured, "none of that name"),
        ("forbidden_403", NotConfigured, "Key Vault Secrets User"),
        ("refuse_503", Unavailable, "HTTP 503"),
        ("reset_before", Unavailable, "KEY_VAULT_URL"),
        ("html_200", Unavailable, "cannot be read"),
    ],
)
def test_what_goes_wrong_is_said(
    key_vault: KeyVaultSimulator, fault: str | None, kind: type[Exception], said: str
) -> None:
    """What asking again will not mend, and what it may."""
    if fault is not None:
        key_vault.put("a", "x")
        key_vault.fault("getSecret", fault)

    with pytest.raises(kind, match=said):
        reader(key_vault.url)("a")


def test_a_disabled_secret_is_not_told(key_vault: KeyVaultSimulator) -> None:
    """Not even to those who might read it."""
    key_vault.put("a", "x", enabled=False)

    with pytest.raises(NotConfigured, match="disabled"):
        reader(key_vault.url)("a")


def test_wrong_calls_are_answered(key_vault: KeyVaultSimulator, client: httpx.Client) -> None:
    """As the service does."""
    key_vault.put("a", "x")
    told = httpx.get(f"{key_vault.url}/secrets/a", params={"api-version": "7.6"}, trust_env=False)

    assert told.status_code == 401
    assert 'resource="https://vault.azure.net"' in told.headers["www-authenticate"]
    assert client.get("/secrets/a").json()["error"]["code"] == "BadParameter"
    assert client.get("/keys/a", params={"api-version": "7.6"}).status_code == 404
    with pytest.raises(SimulatorError, match="name"):
        key_vault.put("a b", "x")
