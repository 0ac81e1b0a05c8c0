"""A timer that hands Mend's own numbers on to Azure Monitor, for the alerts in infra/."""

from functools import cache
from typing import TYPE_CHECKING

import azure.durable_functions as df
import azure.functions as func

from shared.container import services
from shared.settings import settings
from shared.usecases.take_pulse import METRICS, take_pulse

if TYPE_CHECKING:
    from opentelemetry.metrics import _Gauge as Gauge

bp = df.Blueprint()


@bp.timer_trigger(schedule="20 */5 * * * *", arg_name="timer", run_on_startup=False)
async def hand_on_pulse(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger binds it
    """Every five minutes; where nothing takes metrics, nothing is read either.

    It fails with the store, and then nothing is sent: the alert on silence says so.
    """
    if settings().applicationinsights_connection_string is None:
        return
    using = services()  # switches the sending on
    for sample in await take_pulse(
        using.store, using.clock, canary=bool(settings().mend_canary_minutes)
    ):
        _gauge(sample.name).set(sample.value, dict(sample.labels))


@cache  # a second one of the same name would be a second stream
def _gauge(name: str) -> "Gauge":
    from opentelemetry import metrics

    return metrics.get_meter("mend").create_gauge(name, description=METRICS[name])
