"""Which class serves which port. Built on first use: an import must cost and need nothing."""

import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared.connectors.feeds import Feed
from shared.connectors.logic_app import LogicAppTrigger
from shared.connectors.own_webhook import OwnWebhook
from shared.connectors.records import Records
from shared.domain.alert import CANARY, Alert, Platform
from shared.domain.analysis import Action
from shared.intake.factory import locate
from shared.intake.normalised import IntakeDefaults
from shared.intake.sources import generic
from shared.policy.backoff import Backoff
from shared.ports.clock import Clock
from shared.ports.measures import Warehouse
from shared.ports.runs import FailureFeed
from shared.remedies.logic_app import RunLogicApp
from shared.remedies.registry import Remedies, direct_remedies
from shared.settings import Settings, settings
from shared.signing import CallbackTokens, canary_secret
from shared.stores.sqlite import SqliteStore
from shared.usecases.accept_alert import Accepted, accept_alert
from shared.usecases.decide_next import PolicyDefaults
from shared.usecases.operator_settings import ExecutionMode, generic_mapping
from shared.usecases.take_in import TakeIn

if TYPE_CHECKING:
    from shared.connectors.adf import DataFactory
    from shared.connectors.databricks import Databricks


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """See the protocol."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the use cases need from outside."""

    store: SqliteStore
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
    own_webhook: OwnWebhook
    policy: PolicyDefaults


@cache
def services() -> Services:
    """Return the services of this process.

    Raises:
        NotConfigured: a setting is missing or wrong.
    """
    from shared.connectors.adf import DataFactory
    from shared.connectors.databricks import Databricks

    chosen, clock = settings(), SystemClock()
    callbacks = CallbackTokens(chosen.signing_keys, chosen.public_url)
    adf = DataFactory(chosen.mend_adf_base_url, _secret(chosen.mend_adf_token))
    jobs = Databricks(chosen.mend_databricks_host, _secret(chosen.mend_databricks_token))
    record = Records({Platform.ADF: adf, Platform.DATABRICKS: jobs})
    remedies = direct_remedies(adf, jobs, clock)
    if chosen.mend_logic_app_url is not None:
        logic_app = LogicAppTrigger(chosen.mend_logic_app_url.get_secret_value())
        by_logic_app = RunLogicApp(logic_app, callbacks, record, remedies)
        remedies = {**remedies, by_logic_app.kind: by_logic_app}
    store = SqliteStore(chosen.store_path)

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
        own_webhook=OwnWebhook(
            f"{chosen.public_url}/api/v1/tickets/webhook/{CANARY}",
            canary_secret(chosen.signing_keys[0]),
        ),
        policy=policy_defaults(chosen),
    )


def _feeds(chosen: Settings, adf: "DataFactory", jobs: "Databricks") -> Iterator[FailureFeed]:
    if chosen.mend_pull == "off":
        return
    defaults = intake_defaults(chosen)
    factory, _ = locate(None, defaults)
    if factory is not None and factory.subscription_id and factory.resource_group:
        yield Feed(Platform.ADF, factory.scope, adf)
    if defaults.databricks_scope:
        yield Feed(Platform.DATABRICKS, defaults.databricks_scope, jobs)


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


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None
