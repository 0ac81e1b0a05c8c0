"""The workflow's own controls, beside those that every simulator has.

PUT    /_sim/logic-app/systems     what it can act on        SystemScript
POST   /_sim/logic-app/scripts     how it treats a target    WorkflowScript
GET    /_sim/logic-app/runs        its runs, with their reports and what was answered
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.kit.controls import PREFIX, instruction
from simulators.logic_app.scripts import SystemScript, WorkflowScript
from simulators.logic_app.workflow import Workflows


def logic_app_routes(workflows: Workflows) -> list[Route]:
    """Return the routes of the controls."""

    async def connect(request: Request) -> Response:
        system = await instruction(request, SystemScript)
        workflows.systems[system.kind] = system
        return JSONResponse({"systems": sorted(workflows.systems)})

    async def script(request: Request) -> Response:
        given = await instruction(request, WorkflowScript)
        workflows.scripts[given.target] = given
        return JSONResponse({"targets": sorted(workflows.scripts)}, 201)

    async def show_runs(request: Request) -> Response:
        _ = request
        return JSONResponse({"runs": [run.as_json() for run in workflows.runs]})

    path = f"{PREFIX}/logic-app"
    return [
        Route(f"{path}/systems", connect, methods=["PUT"]),
        Route(f"{path}/scripts", script, methods=["POST"]),
        Route(f"{path}/runs", show_runs),
    ]
