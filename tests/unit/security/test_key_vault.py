"""Secrets by name: kept for a while, read again beside, never a reason to stop."""

import threading

import pytest

from shared.domain.errors import NotConfigured, Unavailable
from shared.security.key_vault import KeyVault, secret_name


class Vault:
    """Says what it is told to, and counts."""

    def __init__(self) -> None:
        self.secrets = {"a": "1"}
        self.asked = 0
        self.now = 1000.0
        self.gate = threading.Event()
        self.gate.set()
        self.kept = KeyVault(self.read, lifetime_seconds=300, clock=lambda: self.now)

    def read(self, name: str) -> str:
        """Return the secret."""
        self.asked += 1
        assert self.gate.wait(5)
        if name not in self.secrets:
            raise Unavailable("away")
        return self.secrets[name]

    def value(self) -> str:
        """Return the secret as it is used."""
        return self.kept.value("a")


@pytest.fixture
def vault() -> Vault:
    """A vault with one secret."""
    return Vault()


def test_a_secret_is_asked_for_once_in_its_lifetime(vault: Vault) -> None:
    """However often it is used."""
    assert [vault.value() for _ in range(5)] == ["1"] * 5
    vault.now += 299
    assert vault.value() == "1"
    assert vault.asked == 1


def test_a_rotated_secret_is_seen_after_its_lifetime(vault: Vault) -> None:
    """The use that finds it old does not wait."""
    vault.value()
    vault.secrets["a"] = "2"
    vault.now += 300
    vault.gate.clear()

    assert vault.value() == "1"
    assert vault.value() == "1"
    vault.gate.set()
    vault.kept.settle()

    assert vault.value() == "2"
    assert vault.asked == 2


def test_a_vault_that_is_away_costs_nothing(vault: Vault) -> None:
    """What is known goes on being used, and it is asked again half a minute later."""
    vault.value()
    del vault.secrets["a"]
    vault.now += 300

    for _ in range(3):
        assert vault.value() == "1"
        vault.kept.settle()
    assert vault.asked == 2

    vault.secrets["a"] = "2"
    vault.now += 30
    vault.value()
    vault.kept.settle()
    assert vault.value() == "2"


def test_what_was_never_known_is_unavailable(vault: Vault) -> None:
    """And asked for again by the next use."""
    del vault.secrets["a"]

    with pytest.raises(Unavailable):
        vault.value()
    vault.secrets["a"] = "1"

    assert vault.value() == "1"


def test_a_refused_credential_is_read_again_at_once(vault: Vault) -> None:
    """At most twice a minute, and it is said whether another try makes sense."""
    vault.value()
    assert not vault.kept.refused()
    vault.secrets["a"] = "2"
    vault.now += 29
    assert not vault.kept.refused()
    vault.now += 1

    assert vault.kept.refused()
    assert vault.value() == "2"
    assert vault.asked == 3


@pytest.mark.parametrize("name", ["kv://", "kv://a b", "kv://a/b", "kv://" + "x" * 128, "kv://ä"])
def test_no_name(name: str) -> None:
    """It is said what one looks like."""
    with pytest.raises(ValueError, match="letters, digits and dashes"):
        secret_name(name)


def test_a_name() -> None:
    """As in the vault."""
    assert secret_name("kv://Databricks-token-2") == "Databricks-token-2"


def test_one_kind_of_error_is_the_other() -> None:
    """Both answer a sender with 503."""
    assert issubclass(NotConfigured, Unavailable)
