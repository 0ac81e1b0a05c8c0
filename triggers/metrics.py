"""GET /api/metrics: how Mend is doing, for Prometheus.

Source of the format: prometheus.io, "Exposition formats", text-based format 0.0.4.
"""

from collections.abc import Iterable

import azure.durable_functions as df
import azure.functions as func

from shared.container import services
from shared.settings import settings
from shared.usecases.take_pulse import METRICS, Sample, take_pulse
from triggers.problems import answers_problems

bp = df.Blueprint()
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


@bp.route(route="metrics", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def metrics(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - bound by the host
    """Answer every metric; 503 while the store does not answer."""
    samples = await take_pulse(
        services().store, services().clock, canary=bool(settings().mend_canary_minutes)
    )
    return func.HttpResponse(
        exposed(samples),
        headers={"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"},
    )


def exposed(samples: Iterable[Sample]) -> str:
    """Return samples in Prometheus' text format, those of one metric together."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    lines = []
    for name, group in by_name.items():
        lines += [f"# HELP {name} {METRICS[name]}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(one)} {float(one.value):.15g}" for one in group]
    return "\n".join([*lines, ""])


def _labels(sample: Sample) -> str:
    pairs = ",".join(f'{key}="{value.translate(_ESCAPES)}"' for key, value in sample.labels.items())
    return f"{{{pairs}}}" if pairs else ""
