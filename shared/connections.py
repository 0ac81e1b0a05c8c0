"""The outside systems that can be tried, as far as the settings name them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from shared.domain.alert import TimeWindow
from shared.domain.errors import Transient
from shared.ports.clock import Clock
from shared.ports.connections import Connection, Reachable
from shared.ports.notifications import Notifier
from shared.ports.runs import FailureFeed
from shared.ports.tickets import TicketStore

if TYPE_CHECKING:
    from shared.settings import CurrentSettings, Settings

_LOOK_BACK = timedelta(minutes=1)
_SHORTEST_SECRET = 4
_OWN_IDENTITY = "this app's own identity"
_TITLES = {"slack": "Slack", "jira": "Jira", "mail": "E-mail"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What connections are made of; ``None``: the settings do not name it."""

    factory: FailureFeed | None
    workspace: Reachable
    model: Reachable | None
    notifiers: Mapping[str, Notifier]
    store: TicketStore
    clock: Clock


def connections(read: "CurrentSettings", outside: Outside) -> dict[str, Connection]:
    """Return the connections by their names; none that the settings do not name."""
    chosen = read()
    found = (
        *_platforms(chosen, read, outside),
        *_helpers(chosen, read, outside),
        *_channels(chosen, read, outside),
        *_own(chosen, read, outside),
    )
    return {one.name: one for one in found}


def _platforms(
    chosen: "Settings", read: "CurrentSettings", outside: Outside
) -> Iterator[Connection]:
    if outside.factory is not None:
        yield Connection(
            name="adf",
            title="Azure Data Factory",
            where=_host(chosen.mend_adf_base_url),
            credential=_credential(read, chosen, "mend_adf_token"),
            settings=("MEND_ADF_SUBSCRIPTION_ID", "MEND_ADF_RESOURCE_GROUP", "MEND_ADF_FACTORY"),
            role="the role Data Factory Contributor, or the one that infra/ defines",
            reads="the factory's runs of the last minute",
            reach=partial(_look_at_factory, outside.factory, outside.clock),
        )
    if chosen.mend_databricks_host:
        yield Connection(
            name="databricks",
            title="Databricks",
            where=_host(chosen.mend_databricks_host),
            credential=_credential(read, chosen, "mend_databricks_token"),
            settings=("MEND_DATABRICKS_HOST", "MEND_DATABRICKS_TOKEN"),
            role="access to the workspace, and to the jobs that Mend is to see",
            reads="the newest job run",
            reach=outside.workspace.reach,
        )


def _helpers(chosen: "Settings", read: "CurrentSettings", outside: Outside) -> Iterator[Connection]:
    if outside.model is not None and chosen.mend_llm_base_url is not None:
        yield Connection(
            name="model",
            title="Language model",
            where=_host(chosen.mend_llm_base_url),
            credential=_credential(read, chosen, "mend_llm_api_key"),
            settings=("MEND_LLM_BASE_URL", "MEND_LLM_API_KEY"),
            role="the role Cognitive Services OpenAI User",
            reads="the list of models",
            reach=outside.model.reach,
        )
    if chosen.mend_logic_app_url is not None:
        yield _unheard(chosen, read, "mend_logic_app_url", "logic-app", "Logic App")


def _channels(
    chosen: "Settings", read: "CurrentSettings", outside: Outside
) -> Iterator[Connection]:
    made_of = {
        "slack": (chosen.mend_slack_base_url, ("MEND_SLACK_TOKEN",), "mend_slack_token"),
        "jira": (
            chosen.mend_jira_base_url,
            ("MEND_JIRA_BASE_URL", "MEND_JIRA_USER", "MEND_JIRA_TOKEN", "MEND_JIRA_PROJECT"),
            "mend_jira_token",
        ),
        "mail": (_text(chosen.mend_smtp_url), ("MEND_SMTP_URL",), "mend_smtp_url"),
    }
    reads = {"slack": "who it is there", "jira": "the project", "mail": "a session without a mail"}
    for name, notifier in outside.notifiers.items():
        if name in made_of and isinstance(notifier, Reachable):
            url, settings, secret = made_of[name]
            yield Connection(
                name=name,
                title=_TITLES[name],
                where=_host(url or ""),
                credential=_credential(read, chosen, secret),
                settings=settings,
                role="",
                reads=reads[name],
                reach=notifier.reach,
            )
    if chosen.mend_teams_webhook_url is not None:
        yield _unheard(chosen, read, "mend_teams_webhook_url", "teams", "Microsoft Teams")


def _own(chosen: "Settings", read: "CurrentSettings", outside: Outside) -> Iterator[Connection]:
    if chosen.key_vault_url is not None and read.references():
        yield Connection(
            name="key-vault",
            title="Key Vault",
            where=_host(chosen.key_vault_url),
            credential=_OWN_IDENTITY,
            settings=("KEY_VAULT_URL",),
            role="the role Key Vault Secrets User",
            reads="every secret that a setting names",
            reach=partial(_look_at_vault, read),
        )
    cosmos = chosen.mend_store == "cosmos"
    yield Connection(
        name="store",
        title="Store of tickets",
        where=_host(chosen.cosmos_endpoint or "") if cosmos else "a file on this machine",
        credential=_credential(read, chosen, "cosmos_key") if cosmos else "none",
        settings=("COSMOS_ENDPOINT",) if cosmos else ("MEND_STORE",),
        role="the role Cosmos DB Built-in Data Contributor" if cosmos else "",
        reads="one errand",
        reach=partial(_look_at_store, outside.store),
    )


def _unheard(
    chosen: "Settings", read: "CurrentSettings", setting: str, name: str, title: str
) -> Connection:
    """Return a connection to what does something at every request: only its host is looked at."""
    url = _text(getattr(chosen, setting)) or ""
    return Connection(
        name=name,
        title=title,
        where=_host(url),
        credential=_credential(read, chosen, setting),
        settings=(setting.upper(),),
        reads="its host, and nothing is posted",
        shows=False,
        reach=partial(_look_at_host, name, url),
    )


async def _look_at_factory(factory: FailureFeed, clock: Clock) -> str:
    now = clock.now()
    found = await factory.failed_runs(TimeWindow(start=now - _LOOK_BACK, end=now))
    return f"it lists its runs: {len(found)} failed in the last minute"


async def _look_at_vault(read: "CurrentSettings") -> str:
    count = await asyncio.to_thread(read.read_vault)
    return f"{count} {'secret' if count == 1 else 'secrets'} can be read"


async def _look_at_store(store: TicketStore) -> str:
    await store.errands(limit=1)
    return "it answers"


async def _look_at_host(system: str, url: str) -> str:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    try:
        _, writer = await asyncio.open_connection(
            parts.hostname, parts.port or (443 if secure else 80), ssl=secure or None
        )
    except OSError as error:
        raise Transient(system, f"no connection: {type(error).__name__}") from None
    writer.close()
    return "its host answers; whether it accepts a request only a real one would tell"


def _credential(read: "CurrentSettings", chosen: "Settings", setting: str) -> str:
    """Return where the credential is from; what it is, nobody gets to see."""
    reference = read.references().get(setting)
    if reference:
        return reference
    return setting.upper() if getattr(chosen, setting) is not None else _OWN_IDENTITY


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _text(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


def hider(chosen: "Settings") -> Callable[[str], str]:
    """Return what takes the secrets of ``chosen`` out of a text."""
    secrets = sorted(set(_secrets(chosen)), key=len, reverse=True)

    def hide(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "…")
        return text

    return hide


def _secrets(chosen: "Settings") -> Iterator[str]:
    for name in type(chosen).model_fields:
        value = getattr(chosen, name)
        if isinstance(value, SecretStr):
            yield from (one for one in _parts(value.get_secret_value()) if _is_long(one))


def _parts(secret: str) -> Iterator[str]:
    """Return ``secret``, and what in it could be shown without the rest."""
    yield secret
    try:
        parts = urlsplit(secret)
    except ValueError:
        return
    if parts.hostname:
        yield unquote(parts.password or "")
        yield from (value for _, value in parse_qsl(parts.query))


def _is_long(secret: str) -> bool:
    return len(secret) >= _SHORTEST_SECRET
