"""Which senders we understand. A new one is a module in ``sources`` and a line here."""

from datetime import UTC, datetime

from shared.domain.alert import CANARY
from shared.domain.errors import NotFound
from shared.intake.normalised import IntakeDefaults, Normalised, Normaliser, Rejected
from shared.intake.sources import (
    adf,
    alertmanager,
    azure_monitor,
    canary,
    databricks,
    datadog,
    generic,
    servicenow,
    solarwinds,
    zabbix,
)
from shared.intake.text import one_line

__all__ = ["SOURCES", "IntakeDefaults", "Normalised", "Rejected", "normalise"]

SOURCES: dict[str, Normaliser] = {
    adf.SOURCE: adf.normalise,
    azure_monitor.SOURCE: azure_monitor.normalise,
    databricks.SOURCE: databricks.normalise,
    alertmanager.SOURCE: alertmanager.normalise,
    datadog.SOURCE: datadog.normalise,
    zabbix.SOURCE: zabbix.normalise,
    solarwinds.SOURCE: solarwinds.normalise,
    servicenow.SOURCE: servicenow.normalise,
    generic.SOURCE: generic.normalise,
    CANARY: canary.normalise,
}


def known_source(source: str) -> Normaliser:
    """Return how to read what ``source`` sends.

    Raises:
        NotFound: no such source; the message lists the known ones.
    """
    normaliser = SOURCES.get(source)
    if normaliser is None:
        known = ", ".join(sorted(SOURCES))
        raise NotFound(f"no webhook source {one_line(source, 40)!r}; known are {known}")
    return normaliser


def normalise(
    source: str, raw: bytes, defaults: IntakeDefaults, received_at: datetime
) -> Normalised:
    """Turn one POST's body into alerts.

    Args:
        source: The name in the webhook's path.
        raw: The body as it came over the wire, already authenticated.
        defaults: Where an alert lives when it does not say so itself.
        received_at: Aware; stands in for a missing or impossible time.

    Returns:
        At least one alert, and what could not be read beside it.

    Raises:
        NotFound: no such source; the message lists the known ones.
        InvalidInput: nothing usable; the message and ``field`` say what is wrong where.
        TooLarge: more bytes, levels, values or alerts than we accept.
        ValueError: ``received_at`` is naive: a mistake of the caller, not of the sender.
    """
    if received_at.tzinfo is None:
        raise ValueError("received_at must be aware")
    return known_source(source)(raw, defaults, received_at.astimezone(UTC))
