"""Everything that differs between installations, read from the environment once.

A secret is a :class:`~pydantic.SecretStr` and shows as ``**********`` in logs
and tracebacks. Reading happens inside :func:`settings`, not at import: an
exception at import makes the Functions host drop every function without a word.
"""

from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.domain.analysis import Action
from shared.domain.errors import NotConfigured
from shared.security.credentials import Credential, Hmac, parse_credentials
from shared.security.urls import is_loopback, safe_url
from shared.signing import SigningKey, canary_secret, local_keys, parse_keys

__all__ = ["Settings", "is_loopback", "settings"]


class Settings(BaseSettings):
    """One attribute per environment variable of the same name in upper case.

    Durations carry their unit in the name and may have decimals. An empty
    variable counts as unset.
    """

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    mend_store: str = "sqlite"
    mend_public_url: str | None = None
    mend_auth: Literal["off"] = "off"

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

    mend_mode: Literal["auto", "hil"] = "auto"
    mend_confidence_threshold: float = Field(default=0.8, ge=0, le=1)
    mend_max_attempts: int = Field(default=3, ge=0, le=20)
    mend_poll_seconds: float = Field(default=30, gt=0, le=3600)
    mend_monitor_timeout_minutes: float = Field(default=120, gt=0, le=7 * 24 * 60)
    mend_backoff_seconds: float = Field(default=60, ge=0, le=24 * 3600)
    mend_backoff_factor: float = Field(default=2, ge=1, le=10)
    mend_backoff_max_seconds: float = Field(default=900, ge=0, le=24 * 3600)
    mend_sla_minutes: float = Field(default=60, gt=0, le=366 * 24 * 60)
    mend_pull: Literal["on", "off"] = "on"
    mend_history_days: float = Field(default=30, ge=1, le=3660)
    mend_canary_minutes: float = Field(default=0, ge=0, le=24 * 60)

    # Given by the host, not by people.
    local_data_dir: Path = Path(".data")
    website_hostname: str = "127.0.0.1:7071"

    @field_validator("mend_mode", "mend_auth", "mend_pull", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

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

    @field_validator("mend_logic_app_url")
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
            parse_credentials(value.get_secret_value())
        return value

    @field_validator("mend_store")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if value != "sqlite" and not value.startswith("sqlite:///"):
            raise ValueError("must be 'sqlite' or 'sqlite:///PATH'")
        return value

    @model_validator(mode="after")
    def _open_only_on_loopback(self) -> "Settings":
        host = urlsplit(f"//{self.website_hostname}").hostname
        if not is_loopback(host):
            raise ValueError(
                f"MEND_AUTH is 'off', which is allowed on a loopback host only, and this host "
                f"is {self.website_hostname!r}; authentication for other hosts is not built yet"
            )
        return self

    @property
    def public_url(self) -> str:
        """Base of links and callback URLs, without a slash at the end."""
        return (self.mend_public_url or f"http://{self.website_hostname}").rstrip("/")

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
    def store_path(self) -> Path:
        """The SQLite file."""
        path = self.mend_store.removeprefix("sqlite").removeprefix(":///")
        return Path(path) if path else self.local_data_dir / "mend.db"


def _names(text: str) -> tuple[str, ...]:
    """Return the names of a list; none for ``all``."""
    names = tuple(one.strip() for one in text.split(",") if one.strip())
    return () if names == ("all",) else names


@cache
def settings() -> Settings:
    """Return the settings of this process.

    Raises:
        NotConfigured: one line that names each wrong setting and what it must be.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise NotConfigured("; ".join(_sentences(error))) from None


def _sentences(error: ValidationError) -> list[str]:
    found = []
    for problem in error.errors():
        name = str(problem["loc"][0]).upper() if problem["loc"] else ""
        text = problem["msg"].removeprefix("Value error, ")
        given = problem["input"]
        quotable = isinstance(given, str) and name.lower() not in _secrets()
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
