"""Which class serves which port. Built on first use: an import must cost and need nothing."""

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from shared.policy.backoff import Backoff
from shared.ports.clock import Clock
from shared.ports.pipelines import PipelineService
from shared.settings import Settings, settings
from shared.stores.sqlite import SqliteStore
from shared.usecases.decide_next import PolicyDefaults
from shared.usecases.operator_settings import ExecutionMode


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """See the protocol."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the use cases need from outside."""

    store: SqliteStore
    pipelines: PipelineService
    clock: Clock
    random: Callable[[], float]
    new_ticket_id: Callable[[datetime], str]
    policy: PolicyDefaults


@cache
def services() -> Services:
    """Return the services of this process.

    Raises:
        NotConfigured: a setting is missing or wrong.
    """
    from shared.connectors.adf import DataFactory

    chosen = settings()
    token = chosen.mend_adf_token
    return Services(
        store=SqliteStore(chosen.store_path),
        pipelines=DataFactory(
            chosen.mend_adf_base_url, token.get_secret_value() if token else None
        ),
        clock=SystemClock(),
        random=random.SystemRandom().random,
        new_ticket_id=new_ticket_id,
        policy=policy_defaults(chosen),
    )


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
