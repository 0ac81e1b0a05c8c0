"""POST /api/v1/negotiate, and the timer that tells open dashboards what has changed.

The timer is registered only where there is something to push to; without, pages ask by themselves.
"""

import os
import time
from collections.abc import Mapping

import azure.durable_functions as df
import azure.functions as func

from shared.container import push, services
from shared.domain.errors import NotFound
from shared.settings import settings
from shared.usecases.tell_dashboards import Watch
from triggers.problems import answer, answers_problems
from triggers.requests import caller

_GOOD_SECONDS = 3_900.0
_watch = Watch()
_asked_at: list[float] = []


@answers_problems
async def negotiate(req: func.HttpRequest) -> func.HttpResponse:
    """Answer where a page hears of changes, for an hour."""
    way = push()
    if way is None:
        raise NotFound("there is nothing to push with here; ask again and again")
    address = await way.address(caller(req))
    _asked_at[:] = [time.monotonic()]
    return answer(address.model_dump(mode="json"), headers={"Cache-Control": "no-store"})


async def tell_dashboards(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger binds it
    """Look for changes; on one machine only while somebody may be listening."""
    way, is_local = push(), settings().mend_push_endpoint is None
    heard = bool(_asked_at) and time.monotonic() - _asked_at[0] < _GOOD_SECONDS
    if way is not None and (heard or not is_local):
        await _watch.look(services().store, way)


def blueprint(environment: Mapping[str, str]) -> df.Blueprint:
    """Return the call, and the timer where it has something to do."""
    found = df.Blueprint()
    found.route(route="v1/negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)(
        negotiate
    )
    if environment.get("MEND_PUSH_ENDPOINT") or environment.get("LOCAL_PUBSUB_ENDPOINT"):
        found.timer_trigger(arg_name="timer", schedule="* * * * * *", use_monitor=False)(
            tell_dashboards
        )
    return found


bp = blueprint(os.environ)
