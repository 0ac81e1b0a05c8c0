"""GET /api/v1/me: who asks, and what they may do, so that a page offers nothing that is refused."""

import azure.durable_functions as df
import azure.functions as func

from shared.settings import settings
from triggers.answers import Me
from triggers.problems import answer, answers_problems
from triggers.requests import person, refuse_unknown

bp = df.Blueprint()


@bp.route(route="v1/me", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def show_me(req: func.HttpRequest) -> func.HttpResponse:
    """Answer name and roles; somebody without a role learns here that they have none."""
    refuse_unknown(req.params, ())
    who = person()
    me = Me(name=who.name, roles=sorted(who.roles), auth=settings().mend_auth)
    return answer(me.model_dump(mode="json"), headers={"Cache-Control": "no-store"})
