"""Which class serves which port. Built on first use: an import must cost and need nothing."""

import random
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared.channels import notifiers
from shared.connections import Outside, connections
from shared.connectors.azure_identity import async_credential
from shared.connectors.breaker import guarded
from shared.connectors.feeds import Feed
from shared.connectors.logic_app import LogicAppTrigger
from shared.connectors.openai_model import OpenAiModel
from shared.connectors.own_webhook import OwnWebhook
from shared.connectors.records import Records
from shared.connectors.web_pubsub import WebPubSub
from shared.domain.alert import CANARY, Alert, Platform
from shared.domain.analysis import Action
from shared.intake.factory import locate
from shared.intake.normalised import IntakeDefaults
from shared.intake.sources import generic
from shared.policy.backoff import Backoff
from shared.ports.clock import Clock
from shared.ports.connections import Connection
from shared.ports.measures import Warehouse
from shared.ports.notifications import Notifier
from shared.ports.push import Push
from shared.ports.runs import FailureFeed
from shared.remedies.logic_app import RunLogicApp
from shared.remedies.registry import Remedies, direct_remedies
from shared.security.approval_links import ApprovalLinks
from shared.settings import Settings, settings
from shared.signing import CallbackTokens, canary_secret
from shared.stores.cosmos import CosmosStore
from shared.stores.sqlite import SqliteStore
from shared.telemetry.start import start
from shared.usecases.accept_alert import Accepted, accept_alert
from shared.usecases.ask_model import Advisor
from shared.usecases.credential_use import CredentialUses
from shared.usecases.decide_next import PolicyDefaults
from shared.usecases.operator_settings import ExecutionMode, generic_mapping
from shared.usecases.take_in import TakeIn

if TYPE_CHECKING:
    from shared.connectors.adf import DataFactory
    from shared.connectors.databricks import Databricks


Store = SqliteStore | CosmosStore

_stores: dict[tuple[str | None, ...], Store] = {}


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """See the protocol."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the use cases need from outside."""

    store: Store
    record: Records
    warehouse: Warehouse
    remedies: Remedies
    callbacks: CallbackTokens
    by_logic_app: frozenset[Action]
    feeds: tuple[FailureFeed, ...]
    clock: Clock
    started_at: datetime
    random: Callable[[], float]
    new_ticket_id: Callable[[datetime], str]
    take_in: TakeIn
    credential_uses: CredentialUses
    own_webhook: OwnWebhook
    approval_links: ApprovalLinks
    policy: PolicyDefaults
    advisor: Advisor | None
    notifiers: Mapping[str, Notifier]
    connections: Mapping[str, Connection]


class _Following:
    """Builds the services once, and anew when a secret has changed.

    The store stays as long as nothing that it is made of has changed.
    """

    def __init__(self, build: Callable[[], Services]) -> None:
        self._build = build
        self._built: Services | None = None
        self._for: Settings | None = None

    def __call__(self) -> Services:
        """Return the services of this process.

        Raises:
            NotConfigured: a setting is missing or wrong.
        """
        chosen = settings()
        if self._built is None or self._for is not chosen:
            self._built, self._for = self._build(), chosen
        return self._built

    def cache_clear(self) -> None:
        """Build anew at the next call, the store too."""
        self._built = self._for = None
        _stores.clear()


@_Following
def services() -> Services:
    """Return the services of this process.

    Raises:
        NotConfigured: a setting is missing or wrong.
    """
    from shared.connectors.adf import DataFactory
    from shared.connectors.databricks import Databricks

    chosen, clock = settings(), SystemClock()
    start(chosen.mend_log_format, chosen.applicationinsights_connection_string)
    callbacks = CallbackTokens(chosen.signing_keys, chosen.public_url)
    adf = DataFactory(chosen.mend_adf_base_url, _secret(chosen.mend_adf_token))
    jobs = Databricks(
        chosen.mend_databricks_host,
        _databricks_token if chosen.mend_databricks_token else None,
        refused=settings.refused,
    )
    # Feeds and trials of a connection stay outside: they come seldom, and want to know.
    calm_adf, calm_jobs = guarded(adf, "adf", clock), guarded(jobs, "databricks", clock)
    record = Records({Platform.ADF: calm_adf, Platform.DATABRICKS: calm_jobs})
    remedies = direct_remedies(calm_adf, calm_jobs, clock)
    if chosen.mend_logic_app_url is not None:
        logic_app = LogicAppTrigger(chosen.mend_logic_app_url.get_secret_value())
        by_logic_app = RunLogicApp(logic_app, callbacks, record, remedies)
        remedies = {**remedies, by_logic_app.kind: by_logic_app}
    store = _store(chosen)
    told = notifiers(chosen, clock)
    model = _model(chosen)
    outside = Outside(
        factory=_factory_feed(chosen, adf),
        workspace=jobs,
        model=model,
        notifiers=told,
        store=store,
        clock=clock,
    )

    async def accept(alert: Alert, delivery_id: str) -> Accepted:
        return await accept_alert(
            alert,
            store,
            clock,
            new_ticket_id=new_ticket_id,
            sla_minutes=chosen.mend_sla_minutes,
            delivery_id=delivery_id,
        )

    return Services(
        store=store,
        record=record,
        warehouse=jobs,
        remedies=remedies,
        callbacks=callbacks,
        by_logic_app=chosen.logic_app_actions,
        feeds=tuple(_feeds(chosen, adf, jobs)),
        clock=clock,
        started_at=clock.now(),
        random=random.SystemRandom().random,
        new_ticket_id=new_ticket_id,
        take_in=TakeIn(store, clock, accept, new_delivery_id),
        credential_uses=CredentialUses(store, clock),
        approval_links=ApprovalLinks(chosen.signing_keys, chosen.public_url),
        own_webhook=OwnWebhook(
            f"{chosen.public_url}/api/v1/tickets/webhook/{CANARY}",
            canary_secret(chosen.signing_keys[0]),
        ),
        policy=policy_defaults(chosen),
        advisor=_advisor(chosen, model, store, clock),
        notifiers=told,
        connections=connections(settings, outside),
    )


def _model(chosen: Settings) -> OpenAiModel | None:
    """Return the language model; none without its URL."""
    if chosen.mend_llm_base_url is None or chosen.mend_llm_model is None:
        return None
    return OpenAiModel(
        chosen.mend_llm_base_url, chosen.mend_llm_model, _secret(chosen.mend_llm_api_key)
    )


def _advisor(
    chosen: Settings, model: OpenAiModel | None, store: Store, clock: Clock
) -> Advisor | None:
    if model is None:
        return None
    return Advisor(
        model, store, clock, chosen.mend_llm_daily_tokens, wording=chosen.mend_llm_wording == "on"
    )


def _store(chosen: Settings) -> Store:
    cosmos = (chosen.cosmos_endpoint, chosen.cosmos_database, _secret(chosen.cosmos_key))
    made_of = (chosen.mend_store, str(chosen.store_path), *cosmos)
    if made_of not in _stores:
        _stores.clear()  # what is under way goes on with the old one
        _stores[made_of] = _new_store(chosen)
    return _stores[made_of]


def _new_store(chosen: Settings) -> Store:
    if chosen.mend_store != "cosmos" or chosen.cosmos_endpoint is None:
        return SqliteStore(chosen.store_path)
    return CosmosStore(
        chosen.cosmos_endpoint,
        chosen.cosmos_database,
        key=_secret(chosen.cosmos_key),
        credential=async_credential,
        create=chosen.creates_containers,
    )


def _feeds(chosen: Settings, adf: "DataFactory", jobs: "Databricks") -> Iterator[FailureFeed]:
    if chosen.mend_pull == "off":
        return
    factory = _factory_feed(chosen, adf)
    if factory is not None:
        yield factory
    workspace = intake_defaults(chosen).databricks_scope
    if workspace:
        yield Feed(Platform.DATABRICKS, workspace, jobs)


def _factory_feed(chosen: Settings, adf: "DataFactory") -> Feed | None:
    factory, _ = locate(None, intake_defaults(chosen))
    if factory is None or not (factory.subscription_id and factory.resource_group):
        return None
    return Feed(Platform.ADF, factory.scope, adf)


def intake_defaults(chosen: Settings) -> IntakeDefaults:
    """Return where things are that an alert does not place itself."""
    return IntakeDefaults(
        adf_subscription_id=chosen.mend_adf_subscription_id,
        adf_resource_group=chosen.mend_adf_resource_group,
        adf_factory=chosen.mend_adf_factory,
        databricks_host=chosen.mend_databricks_host,
    )


async def read_defaults(source: str) -> IntakeDefaults:
    """Return what a body of ``source`` is read with."""
    defaults = intake_defaults(settings())
    if source != generic.SOURCE:
        return defaults
    mapping = await generic_mapping(services().store)
    return defaults.model_copy(update={"generic": mapping})


def policy_defaults(chosen: Settings) -> PolicyDefaults:
    """Return what the environment says about policy."""
    return PolicyDefaults(
        mode=ExecutionMode(
            mode=chosen.mend_mode, confidence_threshold=chosen.mend_confidence_threshold
        ),
        max_attempts=chosen.mend_max_attempts,
        backoff=Backoff(
            chosen.mend_backoff_seconds,
            chosen.mend_backoff_factor,
            chosen.mend_backoff_max_seconds,
        ),
    )


def new_ticket_id(now: datetime) -> str:
    """Return an id such as ``TIK-20261120-3F9A2C``; the store finds out if it is taken."""
    return f"TIK-{now:%Y%m%d}-{secrets.token_hex(3).upper()}"


def new_delivery_id(now: datetime) -> str:
    """Return an id such as ``DLV-20261120T020711412345-3f9a2c4e``; ids sort by time."""
    return f"DLV-{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"


def _databricks_token() -> str:
    return _secret(settings().mend_databricks_token) or ""


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None


def push() -> Push | None:
    """Return what tells open dashboards of changes; ``None``: they ask by themselves."""
    endpoint = settings().push_endpoint
    return None if endpoint is None else _push(endpoint)


@cache
def _push(endpoint: str) -> Push:
    return WebPubSub(endpoint, async_credential)
