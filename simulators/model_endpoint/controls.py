"""The model's own controls, beside those that every simulator has.

PUT    /_sim/model-endpoint/script     how it behaves and what it answers    ModelScript
GET    /_sim/model-endpoint/prompts    the texts of all prompts so far, oldest first
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.kit.controls import PREFIX, instruction
from simulators.kit.ledger import Ledger
from simulators.model_endpoint.scripts import ModelScript


def model_routes(ledger: Ledger, follow: Callable[[ModelScript], None]) -> list[Route]:
    """Return the routes of the controls."""

    async def script(request: Request) -> Response:
        given = await instruction(request, ModelScript)
        follow(given)
        return JSONResponse({"mode": given.mode})

    async def prompts(request: Request) -> Response:
        _ = request
        return JSONResponse({"prompts": [prompt_of(entry.body) for entry in ledger.entries]})

    path = f"{PREFIX}/model-endpoint"
    return [
        Route(f"{path}/script", script, methods=["PUT"]),
        Route(f"{path}/prompts", prompts),
    ]


def prompt_of(body: object) -> str:
    """Return all that a request tells the model, its messages one after the other."""
    messages = body.get("messages") if isinstance(body, dict) else None
    told = [one.get("content") for one in messages or [] if isinstance(one, dict)]
    return "\n".join(text for text in told if isinstance(text, str))
