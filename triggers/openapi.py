"""GET /api/openapi.json: what this API is, for people and for programs."""

import azure.durable_functions as df
import azure.functions as func

from triggers.problems import answer

bp = df.Blueprint()


@bp.route(route="openapi.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def openapi(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - bound by the host
    """Answer the OpenAPI 3.1 document."""
    from triggers.description import document  # a start need not pay for it

    return answer(document())
