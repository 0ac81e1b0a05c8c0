"""The ``/_sim`` control surface that every simulator has on its own port.

It is for the person or the test that scripts the world; the product never calls it, and
nothing called here appears in the ledger.

    GET    /_sim/health          alive, how many calls are in flight
    POST   /_sim/reset           as freshly started; a manual clock shows the present again
    GET    /_sim/ledger          ?action= &after=SEQ
    POST   /_sim/faults          order a fault     GET: open orders     DELETE: be healthy
    GET    /_sim/clock           mode and time
    POST   /_sim/clock/advance   {"seconds": 1.5}; manual clock only
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import asdict
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.kit.clock import ManualClock, iso
from simulators.kit.faults import ANY_ACTION, Fault, FaultOrder
from simulators.kit.service import Service, read_body

PREFIX = "/_sim"
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Endpoint = Callable[[Request], Awaitable[Response]]


class Instruction(BaseModel):
    """Base of what is sent to the controls: frozen, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FaultInstruction(Instruction):
    """Body of ``POST /_sim/faults``; the fields are those of ``FaultOrder``."""

    action: str
    fault: Fault
    times: int = Field(default=1, ge=1)
    match: str | None = None
    after: int = Field(default=0, ge=0)
    seconds: Seconds = 5.0
    retry_after: Seconds | None = None


class AdvanceInstruction(Instruction):
    """Body of ``POST /_sim/clock/advance``."""

    seconds: Seconds


Body = TypeVar("Body", bound=Instruction)


async def instruction(request: Request, model: type[Body]) -> Body:
    """Return the request's body as ``model``.

    Raises:
        HTTPException: 400 that names each wrong field.
    """
    try:
        return model.model_validate(await read_body(request) or {})
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}"
            for item in error.errors(include_url=False)
        ]
        raise HTTPException(400, "; ".join(wrong)) from error


def control_routes(
    service: Service, *, name: str, actions: Collection[str], reset: Callable[[], None]
) -> list[Route]:
    """Return the routes of the shared controls.

    Args:
        service: Whose ledger, faults and clock are meant.
        name: The simulator's name, shown by ``health``.
        actions: Operations a fault may be ordered for.
        reset: Empties the simulator's own model.
    """
    return [
        *_state_routes(service, name=name, reset=reset),
        *_fault_routes(service, actions=actions),
        *_clock_routes(service),
    ]


def control_error(request: Request, error: Exception) -> Response:
    """Answer a wrong control call with one readable line of JSON."""
    _ = request
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else repr(error)
    return JSONResponse({"error": detail}, status)


def _state_routes(service: Service, *, name: str, reset: Callable[[], None]) -> list[Route]:
    async def health(request: Request) -> Response:
        _ = request
        return JSONResponse({"status": "ok", "simulator": name, "in_flight": service.in_flight})

    async def start_afresh(request: Request) -> Response:
        _ = request
        service.clear()
        reset()
        if isinstance(service.clock, ManualClock):
            service.clock.restart()
        return JSONResponse({"status": "reset"})

    async def ledger(request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            raise HTTPException(400, "after: must be the seq of an entry")
        found = service.ledger.find(action=request.query_params.get("action"), after=int(after))
        return JSONResponse({"entries": [entry.as_json() for entry in found]})

    return [
        Route(f"{PREFIX}/health", health),
        Route(f"{PREFIX}/reset", start_afresh, methods=["POST"]),
        Route(f"{PREFIX}/ledger", ledger),
    ]


def _fault_routes(service: Service, *, actions: Collection[str]) -> list[Route]:
    async def order(request: Request) -> Response:
        wanted = await instruction(request, FaultInstruction)
        if wanted.action not in (ANY_ACTION, *actions):
            raise HTTPException(400, f"action: must be one of {', '.join(sorted(actions))}, *")
        service.faults.order(FaultOrder(**wanted.model_dump()))
        return JSONResponse({"open": len(service.faults.open())}, 201)

    async def show(request: Request) -> Response:
        _ = request
        return JSONResponse({"faults": [asdict(order) for order in service.faults.open()]})

    async def heal(request: Request) -> Response:
        _ = request
        service.faults.clear()
        return JSONResponse({"faults": []})

    path = f"{PREFIX}/faults"
    return [
        Route(path, order, methods=["POST"]),
        Route(path, show),
        Route(path, heal, methods=["DELETE"]),
    ]


def _clock_routes(service: Service) -> list[Route]:
    async def show(request: Request) -> Response:
        _ = request
        return JSONResponse({"mode": service.clock.mode, "now": iso(service.clock.now())})

    async def advance(request: Request) -> Response:
        wanted = await instruction(request, AdvanceInstruction)
        if not isinstance(service.clock, ManualClock):
            raise HTTPException(409, "the clock runs by itself; start with --clock manual")
        now = service.clock.advance(wanted.seconds)
        return JSONResponse({"mode": service.clock.mode, "now": iso(now)})

    return [
        Route(f"{PREFIX}/clock", show),
        Route(f"{PREFIX}/clock/advance", advance, methods=["POST"]),
    ]
