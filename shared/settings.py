"""Everything that differs between installations, read from the environment once.

A secret is a :class:`~pydantic.SecretStr` and shows as ``**********`` in logs
and tracebacks. Reading happens inside :func:`settings`, not at import: an
exception at import makes the Functions host drop every function without a word.
"""

import logging
import os
import re
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.connectors.mail_server import MailServer
from shared.domain.analysis import Action
from shared.domain.errors import NotConfigured, Unavailable
from shared.domain.urls import is_loopback, safe_url
from shared.intake.registry import SOURCES
from shared.security.credentials import (
    Credential,
    Entra,
    Guid,
    Hmac,
    Url,
    parse_credentials,
)
from shared.security.key_vault import SCHEME, KeyVault, reader, secret_name
from shared.signing import SigningKey, canary_secret, local_keys, parse_keys

logger = logging.getLogger(__name__)

__all__ = ["Settings", "is_loopback", "settings"]


_AUDIENCE = re.compile(r"[!-~]{1,256}")

# What makes a channel, all of it or nothing.
_CHANNELS = (
    ("mend_slack_token", "mend_slack_channel"),
    ("mend_smtp_url", "mend_mail_from", "mend_mail_to"),
    ("mend_jira_base_url", "mend_jira_user", "mend_jira_token", "mend_jira_project"),
)


class Settings(BaseSettings):
    """One attribute per environment variable of the same name in upper case.

    Durations carry their unit in the name and may have decimals. An empty
    variable counts as unset.
    """

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    mend_store: str = "sqlite"
    cosmos_endpoint: str | None = None
    cosmos_database: str = "mend"
    cosmos_key: SecretStr | None = None
    cosmos_create: Literal["on", "off"] = "off"
    key_vault_url: str | None = None
    mend_public_url: str | None = None
    mend_auth: Literal["off", "jwt"] = "off"
    mend_auth_tenant: Guid | None = None
    mend_auth_audience: str | None = None
    mend_auth_issuer: Url | None = None
    mend_auth_jwks_url: Url | None = None

    mend_adf_base_url: str = "https://management.azure.com"
    mend_adf_subscription_id: str | None = None
    mend_adf_resource_group: str | None = None
    mend_adf_factory: str | None = None
    mend_adf_token: SecretStr | None = None

    mend_databricks_host: str | None = None
    mend_databricks_token: SecretStr | None = None

    mend_logic_app_url: SecretStr | None = None
    mend_logic_app_actions: str = "all"
    mend_signing_keys: SecretStr | None = None
    mend_webhook_secrets: SecretStr | None = None

    mend_llm_base_url: str | None = None
    mend_llm_model: str | None = None
    mend_llm_api_key: SecretStr | None = None
    mend_llm_daily_tokens: int = Field(default=500_000, ge=0, le=1_000_000_000)
    mend_llm_wording: Literal["on", "off"] = "off"

    mend_slack_token: SecretStr | None = None
    mend_slack_channel: str | None = None
    mend_slack_base_url: str = "https://slack.com/api/"
    mend_slack_signing_secret: SecretStr | None = None
    mend_teams_webhook_url: SecretStr | None = None
    mend_smtp_url: SecretStr | None = None
    mend_mail_from: str | None = None
    mend_mail_to: str | None = None
    mend_jira_base_url: str | None = None
    mend_jira_user: str | None = None
    mend_jira_token: SecretStr | None = None
    mend_jira_project: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]{0,99}$")
    mend_jira_issue_type: str = "Task"
    mend_jira_when: Literal["always", "escalated"] = "escalated"

    mend_mode: Literal["auto", "hil"] = "auto"
    mend_confidence_threshold: float = Field(default=0.8, ge=0, le=1)
    mend_max_attempts: int = Field(default=3, ge=0, le=20)
    mend_approval_timeout_minutes: float = Field(default=240, gt=0, le=30 * 24 * 60)
    mend_poll_seconds: float = Field(default=30, gt=0, le=3600)
    mend_monitor_timeout_minutes: float = Field(default=120, gt=0, le=7 * 24 * 60)
    mend_backoff_seconds: float = Field(default=60, ge=0, le=24 * 3600)
    mend_backoff_factor: float = Field(default=2, ge=1, le=10)
    mend_backoff_max_seconds: float = Field(default=900, ge=0, le=24 * 3600)
    mend_sla_minutes: float = Field(default=60, gt=0, le=366 * 24 * 60)
    mend_pull: Literal["on", "off"] = "on"
    mend_parts: Literal["all", "pipeline", "dashboard"] = "all"
    mend_log_format: Literal["text", "json"] = "text"
    mend_history_days: float = Field(default=30, ge=1, le=3660)
    mend_canary_minutes: float = Field(default=0, ge=0, le=24 * 60)
    mend_push_endpoint: str | None = Field(default=None, pattern=r"^https://[^/?#@]+/?$")

    # Given by the host, not by people.
    applicationinsights_connection_string: SecretStr | None = None
    local_data_dir: Path = Path(".data")
    local_pubsub_endpoint: str | None = None
    website_hostname: str = "127.0.0.1:7071"

    @field_validator(
        "mend_mode",
        "mend_auth",
        "mend_pull",
        "mend_parts",
        "mend_log_format",
        "mend_llm_wording",
        "mend_jira_when",
        mode="before",
    )
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("mend_public_url")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        # People's browsers go there, and no secret of ours: plain http will do inside a company.
        parts = urlsplit(value or "")
        if value is not None and not (parts.scheme in {"http", "https"} and parts.hostname):
            raise ValueError("must be the http or https URL that people and Logic Apps reach us by")
        return value

    @field_validator("mend_adf_base_url")
    @classmethod
    def _safe_control_plane(cls, value: str) -> str:
        return safe_url(value).rstrip("/")

    @field_validator("mend_databricks_host")
    @classmethod
    def _safe_workspace(cls, value: str | None) -> str | None:
        if value is None:
            return None
        return safe_url(value if "://" in value else f"https://{value}").rstrip("/")

    @field_validator("mend_llm_base_url")
    @classmethod
    def _safe_model(cls, value: str | None) -> str | None:
        return None if value is None else f"{safe_url(value).rstrip('/')}/"

    @field_validator("mend_slack_base_url", "mend_jira_base_url")
    @classmethod
    def _safe_channel(cls, value: str | None) -> str | None:
        return value if value is None else safe_url(value).rstrip("/")

    @field_validator("mend_smtp_url")
    @classmethod
    def _good_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            MailServer.of(value.get_secret_value())
        return value

    @field_validator("mend_logic_app_url", "mend_teams_webhook_url")
    @classmethod
    def _safe_logic_app(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            safe_url(value.get_secret_value())
        return value

    @field_validator("mend_logic_app_actions")
    @classmethod
    def _known_actions(cls, value: str) -> str:
        known = {action.value for action in Action}
        for name in _names(value):
            if name not in known:
                raise ValueError(f"must be 'all' or a list of actions; {name!r} is none")
        return value

    @field_validator("mend_signing_keys")
    @classmethod
    def _good_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_keys(value.get_secret_value())
        return value

    @field_validator("mend_webhook_secrets")
    @classmethod
    def _good_credentials(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            for source in parse_credentials(value.get_secret_value()):
                if source not in SOURCES:
                    known = ", ".join(sorted(SOURCES))
                    raise ValueError(f"there is no source {source!r}; known are {known}")
        return value

    @field_validator("mend_auth_audience")
    @classmethod
    def _good_audiences(cls, value: str | None) -> str | None:
        if value is not None and not all(_AUDIENCE.fullmatch(one) for one in _listed(value)):
            raise ValueError("must be App ID URI and client id, with a comma between them")
        return value

    @field_validator("mend_store")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if value not in {"sqlite", "cosmos"} and not value.startswith("sqlite:///"):
            raise ValueError("must be 'sqlite', 'sqlite:///PATH' or 'cosmos'")
        return value

    @field_validator("cosmos_endpoint", "key_vault_url")
    @classmethod
    def _safe_account(cls, value: str | None) -> str | None:
        return None if value is None else safe_url(value).rstrip("/")

    @model_validator(mode="after")
    def _cosmos_has_an_endpoint(self) -> "Settings":
        if self.mend_store == "cosmos" and self.cosmos_endpoint is None:
            raise ValueError("COSMOS_ENDPOINT must be set where MEND_STORE is 'cosmos'")
        return self

    @model_validator(mode="after")
    def _open_only_on_loopback(self) -> "Settings":
        host = urlsplit(f"//{self.website_hostname}").hostname
        if self.mend_auth == "off" and not is_loopback(host):
            raise ValueError(
                f"MEND_AUTH is 'off', which is allowed on a loopback host only, and this host "
                f"is {self.website_hostname!r}; set it to 'jwt'"
            )
        return self

    @model_validator(mode="after")
    def _sign_in_is_complete(self) -> "Settings":
        if self.mend_auth == "jwt":
            for name in ("mend_auth_tenant", "mend_auth_audience"):
                if getattr(self, name) is None:
                    raise ValueError(f"{name.upper()} must be set where MEND_AUTH is 'jwt'")
        return self

    @model_validator(mode="after")
    def _model_has_a_name(self) -> "Settings":
        if self.mend_llm_base_url is not None and self.mend_llm_model is None:
            raise ValueError("MEND_LLM_MODEL must be set where MEND_LLM_BASE_URL is")
        return self

    @model_validator(mode="after")
    def _whole_channels(self) -> "Settings":
        for names in _CHANNELS:
            given = [name for name in names if getattr(self, name) is not None]
            missing = [name.upper() for name in names if name not in given]
            if given and missing:
                raise ValueError(f"{missing[0]} must be set where {given[0].upper()} is")
        return self

    @property
    def public_url(self) -> str:
        """Base of links and callback URLs, without a slash at the end."""
        return (self.mend_public_url or f"http://{self.website_hostname}").rstrip("/")

    @cached_property
    def accepted_tokens(self) -> tuple[Entra, ...]:
        """Whose access tokens are believed, one entry per audience; none unless tokens count."""
        if self.mend_auth != "jwt" or self.mend_auth_tenant is None:
            return ()
        return tuple(
            Entra(
                tenant=self.mend_auth_tenant,
                audience=audience,
                issuer=self.mend_auth_issuer,
                jwks_url=self.mend_auth_jwks_url,
            )
            for audience in _listed(self.mend_auth_audience or "")
        )

    @property
    def votes_for_high_risk(self) -> int:
        """How many people have to agree to what is of high risk: two, where they are known."""
        return 2 if self.mend_auth == "jwt" else 1

    @property
    def signing_keys(self) -> tuple[SigningKey, ...]:
        """The keys to sign with, newest first; made and kept beside the data if not given."""
        if self.mend_signing_keys is not None:
            return parse_keys(self.mend_signing_keys.get_secret_value())
        return local_keys(self.local_data_dir)

    @cached_property
    def webhook_credentials(self) -> Mapping[str, tuple[Credential, ...]]:
        """What each source of alerts may show; a source that is not there has nothing to show."""
        if self.mend_webhook_secrets is None:
            return {}
        return parse_credentials(self.mend_webhook_secrets.get_secret_value())

    @property
    def canary_credentials(self) -> tuple[Credential, ...]:
        """What our own canary shows: signed with a secret that never leaves this installation."""
        return tuple(
            Hmac(kid=key.kid, secret=SecretStr(canary_secret(key).decode()), style="timestamp")
            for key in self.signing_keys
        )

    @property
    def logic_app_actions(self) -> frozenset[Action]:
        """The actions that a Logic App carries out for us; none without its URL."""
        if self.mend_logic_app_url is None:
            return frozenset()
        names = _names(self.mend_logic_app_actions)
        return frozenset(Action(name) for name in names) if names else frozenset(Action)

    @property
    def creates_containers(self) -> bool:
        """Whether a Cosmos account that lacks our containers gets them from us."""
        host = urlsplit(self.cosmos_endpoint or "").hostname
        return self.cosmos_create == "on" or is_loopback(host)

    @property
    def push_endpoint(self) -> str | None:
        """Where to tell open dashboards of changes; ``None``: they ask by themselves."""
        return self.mend_push_endpoint or self.local_pubsub_endpoint

    @property
    def store_path(self) -> Path:
        """The SQLite file."""
        path = self.mend_store.removeprefix("sqlite").removeprefix(":///")
        return Path(path) if path else self.local_data_dir / "mend.db"


def _names(text: str) -> tuple[str, ...]:
    """Return the names of a list; none for ``all``."""
    names = tuple(one.strip() for one in text.split(",") if one.strip())
    return () if names == ("all",) else names


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(","))


class CurrentSettings:
    """Called, it gives the settings of this process as they are now.

    The environment is read once. Where a value is ``kv://NAME``, the secret is looked up at each
    call (:class:`~shared.security.key_vault.KeyVault` keeps it for a while); as long as none has
    changed the same object is given.
    """

    def __init__(self) -> None:
        self._vault: KeyVault | None = None
        self._names: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._chosen: Settings | None = None

    def __call__(self) -> Settings:
        """Return the settings.

        Raises:
            NotConfigured: one line that names each wrong setting and what it must be.
            Unavailable: the Key Vault does not answer, and a secret is not known yet.
        """
        if self._chosen is None:
            self._open()
        values = {setting: self._secret(setting) for setting in self._names}
        if self._chosen is None:
            self._chosen = _read(values)
        elif values != self._values:
            self._chosen = self._renewed(values, self._chosen)
        self._values = values
        return self._chosen

    @staticmethod
    def _renewed(values: dict[str, str], before: Settings) -> Settings:
        try:
            return _read(values)
        except NotConfigured as error:
            logger.error("a secret was rotated; the one before is still used: %s", error)  # noqa: TRY400 - it says all
            return before

    def refused(self) -> bool:
        """Look secrets up again now: a credential was refused. ``True``: one has changed.

        Waits for the Key Vault, at most once in half a minute.
        """
        return self._vault is not None and self._vault.refused()

    def references(self) -> dict[str, str]:
        """Return the ``kv://NAME`` of each setting that is given as one."""
        return {setting: f"{SCHEME}{name}" for setting, name in self._names.items()}

    def read_vault(self) -> int:
        """Read every secret that a setting names, now, and return how many there are.

        Raises as a call does.
        """
        for name in set(self._names.values()):
            assert self._vault is not None  # noqa: S101 - there are names only with a vault
            self._vault.read_now(name)
        return len(set(self._names.values()))

    def cache_clear(self) -> None:
        """Read the environment anew at the next call."""
        self._vault, self._names, self._values, self._chosen = None, {}, {}, None

    def _open(self) -> None:
        given = {name.lower(): value for name, value in os.environ.items()}
        references = {
            name: given[name]
            for name in Settings.model_fields
            if given.get(name, "").startswith(SCHEME)
        }
        if not references:
            return
        url = given.get("key_vault_url", "")
        first = next(iter(references)).upper()
        if not url:
            raise NotConfigured(f"KEY_VAULT_URL must be set: {first} is a kv:// value")
        try:
            self._names = {name: secret_name(one) for name, one in references.items()}
            self._vault = KeyVault(reader(safe_url(url)))
        except ValueError as error:
            raise NotConfigured(f"KEY_VAULT_URL or {first}: {error}") from None

    def _secret(self, setting: str) -> str:
        assert self._vault is not None  # noqa: S101 - there are names only with a vault
        try:
            return self._vault.value(self._names[setting])
        except Unavailable as error:
            raise type(error)(f"{setting.upper()}: {error}") from error


settings = CurrentSettings()


def _read(secrets: dict[str, str]) -> Settings:
    try:
        return Settings(**secrets)  # type: ignore[arg-type]
    except ValidationError as error:
        raise NotConfigured("; ".join(_sentences(error, secrets.keys()))) from None


def _sentences(error: ValidationError, hidden: Collection[str]) -> list[str]:
    found = []
    for problem in error.errors():
        name = str(problem["loc"][0]).upper() if problem["loc"] else ""
        text = problem["msg"].removeprefix("Value error, ")
        given = problem["input"]
        quotable = isinstance(given, str) and name.lower() not in {*_secrets(), *hidden}
        shown = f" (it is {given!r})" if name and quotable else ""
        found.append(f"{name}: {text}{shown}" if name else text)
    return found


def _secrets() -> set[str]:
    """Return the settings whose value no message may quote."""
    return {
        name
        for name, field in Settings.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
    }
