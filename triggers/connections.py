"""GET /api/v1/connections and POST …/{name}/test: what Mend depends on, and whether it answers."""

import azure.durable_functions as df
import azure.functions as func

from shared.connections import hider
from shared.container import services
from shared.domain.errors import NotFound
from shared.settings import settings
from shared.usecases.try_connection import shown, try_connection
from triggers.problems import answer, answers_problems

bp = df.Blueprint()


@bp.route(route="v1/connections", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def list_connections(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - bound by the host
    """Answer what the settings name. No value of a secret is part of it."""
    found = services().connections.values()
    return answer({"items": [shown(one).model_dump(mode="json") for one in found]})


@bp.route(route="v1/connections/{name}/test", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def test_connection(req: func.HttpRequest) -> func.HttpResponse:
    """Read something small there now, with the credential that is always used."""
    using, name = services(), req.route_params["name"]
    connection = using.connections.get(name)
    if connection is None:
        known = ", ".join(using.connections)
        raise NotFound(f"there is no connection of that name; there is {known}")
    tried = await try_connection(connection, using.clock, hider(settings()))
    return answer(tried.model_dump(mode="json"))
