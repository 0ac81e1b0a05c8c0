"""GET /api/health and /api/ready, and the check of the settings when a host starts."""

import logging

import azure.durable_functions as df
import azure.functions as func
from azure.functions.warmup import WarmUpContext

from shared.container import services
from shared.domain.errors import MendError, Unavailable
from shared.settings import settings
from shared.usecases.fly_canary import latest_canary
from triggers.problems import RETRY_AFTER_SECONDS, answer, answers_problems

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.warm_up_trigger(arg_name="warmup")
def check_settings(warmup: WarmUpContext) -> None:  # noqa: ARG001 - the trigger binds it
    """Stop a start whose settings are wrong, with one line that names them."""
    settings()


@bp.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - bound by the host
    """Tell that this process answers."""
    return answer({"status": "ok"})


@bp.route(route="ready", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def ready(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - bound by the host
    """Tell whether each thing this app depends on works."""
    checks = {}
    for name, check in _CHECKS.items():
        checks[name] = "ok"
        try:
            await check()
        except MendError as error:
            checks[name] = str(error)
    fine = all(state == "ok" for state in checks.values())
    body = {"status": "ready" if fine else "not ready", "checks": checks}
    return answer(body) if fine else answer(body, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})


async def _check_settings() -> None:
    settings()


async def _check_store() -> None:
    await services().store.errands(limit=1)


async def _check_canary() -> None:
    using = services()
    canary = await latest_canary(using.store) if settings().mend_canary_minutes else None
    if canary is not None and canary.is_late(using.clock.now()):
        raise Unavailable(f"canary {canary.name} has not come through: {canary.problem or 'late'}")


_CHECKS = {"settings": _check_settings, "store": _check_store, "canary": _check_canary}
