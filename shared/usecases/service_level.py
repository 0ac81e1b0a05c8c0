"""How long a ticket may take: by its severity, where the policy says so."""

from contextlib import suppress

from shared.domain.alert import Severity
from shared.domain.errors import Unavailable
from shared.ports.settings import SettingsStore
from shared.usecases.operator_settings import policy_settings


async def target_minutes(severity: Severity, store: SettingsStore, otherwise: float) -> float:
    """Return the target for ``severity``; ``otherwise`` where nothing is said about it.

    Settings that make no sense stop what Mend does, never what it hears.
    """
    with suppress(Unavailable):
        policy, _ = await policy_settings(store)
        return policy.sla_minutes_by_severity.get(severity, otherwise)
    return otherwise
