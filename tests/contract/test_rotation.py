"""A credential that was rotated in the Key Vault: refused once, read again, used."""

from collections.abc import Iterator

import pytest

from shared import container
from shared.domain.alert import Platform, Resource
from shared.domain.errors import Refused
from shared.settings import settings
from simulators.client import DatabricksSimulator, KeyVaultSimulator
from tests.support.simulators import key_vault, key_vault_process

__all__ = ["key_vault", "key_vault_process"]


@pytest.fixture(scope="module")
def strict() -> Iterator[DatabricksSimulator]:
    """A workspace that knows one token only."""
    with DatabricksSimulator.start(token="dapi-new") as simulator:
        yield simulator


@pytest.fixture
def job(
    monkeypatch: pytest.MonkeyPatch, strict: DatabricksSimulator, key_vault: KeyVaultSimulator
) -> Iterator[Resource]:
    """Let the container build Mend with the old token from the vault; yield a failed run."""
    key_vault.put("pat", "dapi-old")
    monkeypatch.setenv("KEY_VAULT_URL", key_vault.url)
    monkeypatch.setenv("MEND_DATABRICKS_HOST", strict.url)
    monkeypatch.setenv("MEND_DATABRICKS_TOKEN", "kv://pat")
    container.services.cache_clear()
    settings.cache_clear()
    strict.job("orders", [{"key": "load", "tries": [{"result": "FAILED", "message": "x"}]}])
    run = strict.seed_run("orders")
    yield Resource(
        platform=Platform.DATABRICKS, scope=strict.url, kind="job", name="orders", run_id=run.run_id
    )
    container.services.cache_clear()
    settings.cache_clear()


async def test_a_refused_token_is_looked_up_again(
    job: Resource, key_vault: KeyVaultSimulator
) -> None:
    """The call that was refused is the one that succeeds, and nobody has to restart."""
    using = container.services()
    key_vault.put("pat", "dapi-new")
    assert settings._vault is not None
    settings._vault._renewed_at -= 60

    run = await using.record.run(job, str(job.run_id))

    assert run is not None
    assert len(key_vault.ledger("getSecret")) == 2
    assert container.services() is not using


async def test_a_token_that_stays_refused_is_said_to_be(
    job: Resource, key_vault: KeyVaultSimulator
) -> None:
    """The vault is not asked for each refusal."""
    using = container.services()
    assert settings._vault is not None
    settings._vault._renewed_at -= 60

    for _ in range(3):
        with pytest.raises(Refused):
            await using.record.run(job, str(job.run_id))

    assert len(key_vault.ledger("getSecret")) == 2
