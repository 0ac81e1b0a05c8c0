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


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MEND_PUBLIC_URL", "mend.example.com", "http or https URL"),
        ("MEND_PUBLIC_URL", "ftp://mend.example.com", "http or https URL"),
        ("MEND_PUBLIC_URL", "https://", "http or https URL"),
        ("MEND_DATABRICKS_HOST", "adb-1 azuredatabricks.net", "https URL"),
        ("MEND_WEBHOOK_SECRETS", '{"afd": "mend:a-password"}', "no source 'afd'"),
    ],
)
def test_what_would_be_believed_and_not_work_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    """Links to nowhere, or a credential that nobody is ever asked for."""
    monkeypatch.setenv(name, value)
    with pytest.raises(NotConfigured, match=f"{name}.*{says}"):
        settings()


def test_people_may_reach_it_by_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a company; a slash at the end does not get into links."""
    monkeypatch.setenv("MEND_PUBLIC_URL", "http://mend.intra:7071/")
    assert settings().public_url == "http://mend.intra:7071"


@pytest.mark.parametrize("host", ["mend.azurewebsites.net", "10.0.0.4:80", "0.0.0.0:7071"])
def test_without_authentication_it_runs_on_loopback_only(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """An open API anywhere else would hand the factory to strangers."""
    monkeypatch.setenv("WEBSITE_HOSTNAME", host)

    with pytest.raises(NotConfigured, match="MEND_AUTH"):
        settings()


def test_tokens_let_the_app_run_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one tenant, for one of two audiences, by the tenant's own issuers and keys."""
    tenant = "00000000-0000-4000-8000-0000000000AA"
    monkeypatch.setenv("WEBSITE_HOSTNAME", "func-mend.azurewebsites.net")
    monkeypatch.setenv("MEND_AUTH", "JWT")
    monkeypatch.setenv("MEND_AUTH_TENANT", tenant)
    monkeypatch.setenv("MEND_AUTH_AUDIENCE", "api://mend, client-id")

    accepted = settings().accepted_tokens

    assert [one.audience for one in accepted] == ["api://mend", "client-id"]
    for one in accepted:
        assert one.keys_url.endswith(f"/{tenant.lower()}/discovery/v2.0/keys")
        assert all(tenant.lower() in issuer for issuer in one.issuers)
    assert settings().votes_for_high_risk == 2


def test_where_nobody_signs_in_no_token_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one person is all there is."""
    monkeypatch.setenv("MEND_AUTH_TENANT", "00000000-0000-4000-8000-0000000000aa")
    monkeypatch.setenv("MEND_AUTH_AUDIENCE", "api://mend")

    assert (settings().accepted_tokens, settings().votes_for_high_risk) == ((), 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEND_AUTH_TENANT", ""),
        ("MEND_AUTH_TENANT", "contoso.com"),
        ("MEND_AUTH_AUDIENCE", ""),
        ("MEND_AUTH_AUDIENCE", "api://mend,"),
        ("MEND_AUTH_AUDIENCE", "api://mend client-id"),
        ("MEND_AUTH_ISSUER", "http://sts.example.com"),
        ("MEND_AUTH_JWKS_URL", "http://keys.example.com"),
    ],
)
def test_half_a_sign_in_is_none(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """One line names what is missing or wrong."""
    monkeypatch.setenv("MEND_AUTH", "jwt")
    monkeypatch.setenv("MEND_AUTH_TENANT", "00000000-0000-4000-8000-0000000000aa")
    monkeypatch.setenv("MEND_AUTH_AUDIENCE", "api://mend")
    monkeypatch.setenv(name, value)

    with pytest.raises(NotConfigured, match=name) as caught:
        settings()
    assert len(str(caught.value).splitlines()) == 1


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
        ("MEND_TEAMS_WEBHOOK_URL", "http://teams.example/?sig=s3cr3t"),
        ("MEND_SMTP_URL", "http://mend:s3cr3t@mail.example"),
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


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("MEND_SLACK_TOKEN", "MEND_SLACK_CHANNEL"),
        ("MEND_MAIL_TO", "MEND_SMTP_URL"),
        ("MEND_JIRA_TOKEN", "MEND_JIRA_BASE_URL"),
    ],
)
def test_half_a_channel_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, given: str, missing: str
) -> None:
    """Nobody would be told, and nobody would notice."""
    monkeypatch.setenv(given, "s3cr3t")

    with pytest.raises(NotConfigured, match=f"{missing} must be set where {given} is") as caught:
        settings()

    assert "s3cr3t" not in str(caught.value)
