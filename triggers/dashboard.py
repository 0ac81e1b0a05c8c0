"""GET /api/v1/dashboard/stats: how the last hours went, in numbers."""

import azure.durable_functions as df
import azure.functions as func

from shared.container import services
from shared.usecases.dashboard_stats import dashboard_stats
from triggers.problems import answer, answers_problems
from triggers.requests import number, refuse_unknown

bp = df.Blueprint()

MAX_HOURS = 744


@bp.route(route="v1/dashboard/stats", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def show_stats(req: func.HttpRequest) -> func.HttpResponse:
    """Answer counts, times and shares of the last ``hours``."""
    refuse_unknown(req.params, ("hours",))
    hours = number(req.params, "hours", default=24, most=MAX_HOURS, least=1)
    using = services()
    found = await dashboard_stats(hours, store=using.store, clock=using.clock)
    headers = {"Cache-Control": "private, no-cache"}
    return answer(found.model_dump(mode="json"), headers=headers)
