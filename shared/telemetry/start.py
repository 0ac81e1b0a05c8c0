"""Switch on what the settings ask for: JSON lines; traces, metrics and logs to Azure Monitor."""

import logging

from pydantic import SecretStr

from shared.connectors.azure_identity import credential
from shared.telemetry.logs import WithTicket, write_json

_started: set[str] = set()


def start(log_format: str, connection_string: SecretStr | None) -> None:
    """Do it once per process; called when the first services are built, not at import.

    Args:
        log_format: ``json``: the handlers that the host has put up write JSON lines.
        connection_string: Of Application Insights. Loads the Azure Monitor distribution of
            OpenTelemetry, which takes about a second; ``None``: nothing is loaded.
    """
    if _started:
        return
    _started.add("done")
    if log_format == "json":
        write_json(logging.getLogger().handlers)
    if connection_string is not None:
        _send(connection_string.get_secret_value())


def _send(connection_string: str) -> None:
    from azure.core.settings import settings as azure_core
    from azure.monitor.opentelemetry import configure_azure_monitor

    configure_azure_monitor(
        connection_string=connection_string,
        credential=credential(),
        # The exporters log through the same loggers: their own chatter must not feed them.
        logger_name="mend",
    )
    azure_core.tracing_implementation = "opentelemetry"
    exporters = logging.getLogger("mend").handlers
    for handler in exporters:
        handler.addFilter(WithTicket())
    for name in ("shared", "triggers", "activities", "orchestrators"):
        ours = logging.getLogger(name)
        for handler in exporters:
            ours.addHandler(handler)
