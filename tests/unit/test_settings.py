"""Settings: one line that names what is wrong, and closed by default."""

import os
from pathlib import Path

import pytest

from shared.domain.errors import NotConfigured
from shared.settings import is_loopback, settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no variable of this machine decide a test."""
    for name in list(os.environ):
        if name.startswith(("MEND_", "LOCAL_DATA", "WEBSITE_")):
            monkeypatch.delenv(name)
    settings.cache_clear()


def test_the_defaults_are_those_of_the_documentation() -> None:
    """Nothing has to be set to start."""
    chosen = settings()

    assert (chosen.mend_mode, chosen.mend_max_attempts) == ("auto", 3)
    assert chosen.public_url == "http://127.0.0.1:7071"
    assert chosen.store_path == Path(".data/mend.db")


def test_numbers_may_have_decimals_and_empty_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """``0.5`` seconds are fine; an empty variable is no value."""
    monkeypatch.setenv("MEND_POLL_SECONDS", "0.5")
    monkeypatch.setenv("MEND_MODE", "HIL")
    monkeypatch.setenv("MEND_ADF_TOKEN", "")

    chosen = settings()

    assert chosen.mend_poll_seconds == 0.5
    assert chosen.mend_mode == "hil"
    assert chosen.mend_adf_token is None


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://management.azure.com", True),
        ("https://management.azure.com/", True),
        ("http://127.0.0.1:8700", True),
        ("http://localhost:8700", True),
        ("http://[::1]:8700", True),
        ("http://management.azure.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://10.0.0.1", False),
        ("ftp://127.0.0.1", False),
        ("management.azure.com", False),
    ],
)
def test_plain_http_is_for_loopback_only(
    monkeypatch: pytest.MonkeyPatch, url: str, fine: bool
) -> None:
    """A token must not travel in the clear."""
    monkeypatch.setenv("MEND_ADF_BASE_URL", url)

    if fine:
        assert settings().mend_adf_base_url == url.rstrip("/")
    else:
        with pytest.raises(NotConfigured, match="MEND_ADF_BASE_URL"):
            settings()


@pytest.mark.parametrize("host", ["mend.azurewebsites.net", "10.0.0.4:80", "0.0.0.0:7071"])
def test_without_authentication_it_runs_on_loopback_only(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """An open API anywhere else would hand the factory to strangers."""
    monkeypatch.setenv("WEBSITE_HOSTNAME", host)

    with pytest.raises(NotConfigured, match="MEND_AUTH"):
        settings()


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One start tells all that has to be mended, without quoting a secret."""
    monkeypatch.setenv("MEND_POLL_SECONDS", "-1")
    monkeypatch.setenv("MEND_MAX_ATTEMPTS", "many")

    with pytest.raises(NotConfigured) as caught:
        settings()

    assert "MEND_POLL_SECONDS" in str(caught.value)
    assert "MEND_MAX_ATTEMPTS" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_token_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in a log line nor in a traceback."""
    monkeypatch.setenv("MEND_ADF_TOKEN", "s3cr3t-t0ken")

    assert "s3cr3t" not in repr(settings())
    assert "s3cr3t" not in str(settings().model_dump())


def test_webhook_credentials_are_read_per_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """None without the setting."""
    assert settings().webhook_credentials == {}
    settings.cache_clear()
    monkeypatch.setenv("MEND_WEBHOOK_SECRETS", '{"databricks": "mend:s3cr3t-t0ken"}')

    assert [one.kid for one in settings().webhook_credentials["databricks"]] == ["string-1"]
    assert "s3cr3t" not in repr(settings())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEND_WEBHOOK_SECRETS", '{"databricks": {"token": "s3cr3t", "user": "x"}}'),
        ("MEND_WEBHOOK_SECRETS", "s3cr3t-t0ken"),
        ("MEND_SIGNING_KEYS", "s3cr3t-t0ken"),
        ("MEND_LOGIC_APP_URL", "http://logic.example/?sig=s3cr3t"),
    ],
)
def test_a_wrong_secret_is_named_and_not_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """What is wrong with it can be said without quoting it."""
    monkeypatch.setenv(name, value)

    with pytest.raises(NotConfigured, match=f"^{name}: ") as caught:
        settings()

    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("name", [None, "", "example.com", "127.0.0.1.example.com"])
def test_no_loopback(name: str | None) -> None:
    """Whatever cannot be read as loopback is not."""
    assert not is_loopback(name)
