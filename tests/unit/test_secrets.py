"""Settings that name a secret, and who this app is to Azure."""

import asyncio
from collections.abc import Iterator

import azure.identity
import azure.identity.aio
import pytest

from shared import container
from shared.connectors.azure_identity import async_credential, credential
from shared.domain.errors import NotConfigured, Unavailable
from shared.settings import settings
from shared.stores.cosmos import CosmosStore

SECRETS = {
    "signing": "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "pat": "dapi-1",
    "factory": "adf-x",
}


@pytest.fixture(autouse=True)
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Yield the secrets of the only vault there is."""
    secrets = dict(SECRETS)

    def reader(url: str) -> object:
        assert url == "https://vault.example"

        def read(name: str) -> str:
            if name not in secrets:
                raise NotConfigured(f"secret {name!r}: there is none of that name")
            return secrets[name]

        return read

    monkeypatch.setattr("shared.settings.reader", reader)
    monkeypatch.setenv("KEY_VAULT_URL", "https://vault.example")
    container.services.cache_clear()
    settings.cache_clear()
    yield secrets
    container.services.cache_clear()
    settings.cache_clear()


def test_any_setting_may_be_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked as if it stood there."""
    monkeypatch.setenv("MEND_SIGNING_KEYS", "kv://signing")
    monkeypatch.setenv("MEND_ADF_FACTORY", "kv://factory")

    assert settings().signing_keys[0].kid == "k1"
    assert settings().mend_adf_factory == "adf-x"
    assert settings() is settings()


def test_a_rotated_secret_is_in_the_next_settings(
    monkeypatch: pytest.MonkeyPatch, vault: dict[str, str]
) -> None:
    """And what was built of the old ones is built anew; the store stays."""
    monkeypatch.setenv("MEND_DATABRICKS_TOKEN", "kv://pat")
    before, using = settings(), container.services()
    assert container.services() is using
    assert container._databricks_token() == "dapi-1"

    vault["pat"] = "dapi-2"
    assert settings._vault is not None
    settings._vault._renewed_at -= 60
    assert settings.refused()

    assert settings() is not before
    assert container._databricks_token() == "dapi-2"
    assert container.services() is not using
    assert container.services().store is using.store


def test_a_wrong_new_secret_does_not_stop_what_works(
    monkeypatch: pytest.MonkeyPatch, vault: dict[str, str]
) -> None:
    """The old one goes on being used, and the log says what is wrong."""
    monkeypatch.setenv("MEND_SIGNING_KEYS", "kv://signing")
    before = settings()
    vault["signing"] = "no keys"
    assert settings._vault is not None
    settings._vault._renewed_at -= 60

    assert settings.refused()
    assert settings() is before


def test_without_secrets_nothing_is_refused() -> None:
    """Nobody is asked."""
    assert settings().mend_mode == "auto"
    assert not settings.refused()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MEND_ADF_TOKEN", "kv://unknown", "^MEND_ADF_TOKEN: secret 'unknown'"),
        ("MEND_ADF_TOKEN", "kv://a/b", "MEND_ADF_TOKEN: .*kv:// and a name"),
        ("KEY_VAULT_URL", "", "KEY_VAULT_URL must be set: MEND_SIGNING_KEYS"),
        ("KEY_VAULT_URL", "http://vault.example", "KEY_VAULT_URL .*https"),
    ],
)
def test_what_is_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    """One line, as for every setting."""
    monkeypatch.setenv("MEND_SIGNING_KEYS", "kv://signing")
    monkeypatch.setenv(name, value)

    with pytest.raises(Unavailable, match=said):
        settings()


def test_a_wrong_secret_is_named_and_not_told(
    monkeypatch: pytest.MonkeyPatch, vault: dict[str, str]
) -> None:
    """Also where the setting itself is no secret."""
    vault["url"] = "http://s3cr3t.example"
    monkeypatch.setenv("MEND_ADF_BASE_URL", "kv://url")

    with pytest.raises(NotConfigured, match=r"^MEND_ADF_BASE_URL: ") as caught:
        settings()

    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("told", ["IDENTITY_ENDPOINT", "WEBSITE_INSTANCE_ID", None])
def test_who_we_are(monkeypatch: pytest.MonkeyPatch, told: str | None) -> None:
    """On Azure the managed identity and nothing else."""
    for name in ("IDENTITY_ENDPOINT", "WEBSITE_INSTANCE_ID"):
        monkeypatch.delenv(name, raising=False)
    if told is not None:
        monkeypatch.setenv(told, "http://169.254.129.1/msi/token")
        monkeypatch.setenv("AZURE_CLIENT_ID", "11111111-0000-4000-8000-000000000000")
        assert isinstance(credential(), azure.identity.ManagedIdentityCredential)
        assert isinstance(async_credential(), azure.identity.aio.ManagedIdentityCredential)
    else:
        assert isinstance(credential(), azure.identity.DefaultAzureCredential)
        found = async_credential()
        assert isinstance(found, azure.identity.aio.DefaultAzureCredential)
        asyncio.run(found.close())


@pytest.mark.parametrize(
    ("endpoint", "create", "made"),
    [
        ("http://127.0.0.1:8081", "off", True),
        ("https://mend.documents.azure.com", "off", False),
        ("https://mend.documents.azure.com", "on", True),
    ],
)
def test_the_store_is_a_setting(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, create: str, *, made: bool
) -> None:
    """Containers are made on a loopback host, or where somebody says so."""
    monkeypatch.setenv("MEND_STORE", "cosmos")
    monkeypatch.setenv("COSMOS_ENDPOINT", endpoint)
    monkeypatch.setenv("COSMOS_KEY", "kv://pat")
    monkeypatch.setenv("COSMOS_CREATE", create)

    store = container.services().store

    assert isinstance(store, CosmosStore)
    assert (store._wire._create, store._wire._key) == (made, "dapi-1")


@pytest.mark.parametrize(
    ("endpoint", "said"), [("", "COSMOS_ENDPOINT must be set"), ("http://x.example", "https")]
)
def test_cosmos_needs_an_endpoint(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, said: str
) -> None:
    """Plain http is for loopback."""
    monkeypatch.setenv("MEND_STORE", "cosmos")
    monkeypatch.setenv("COSMOS_ENDPOINT", endpoint)

    with pytest.raises(NotConfigured, match=said):
        settings()
