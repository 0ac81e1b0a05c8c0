"""The workflow's Request trigger and its controls, as one ASGI app."""

import uuid
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.kit.controls import PREFIX, control_error, control_routes
from simulators.kit.service import Answer, Call, Refused, Service, read_body
from simulators.kit.serving import Simulator, Surroundings
from simulators.logic_app.controls import logic_app_routes
from simulators.logic_app.workflow import WorkflowRun, Workflows

PATH = "/workflows/{workflow}/triggers/{trigger}/paths/invoke"
SIGNATURE = "simulated-signature"
START = "startRun"
UNKNOWN = "unknown"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
_BY_STATUS = {
    400: ("InvalidRequestContent", "The request content is not valid JSON."),
    401: ("DirectApiAuthorizationRequired", "The request must be authenticated by the SAS scheme."),
    403: ("Forbidden", "The client IP address is not in the allowed caller IP address ranges."),
    404: ("WorkflowNotFound", "The workflow could not be found."),
    409: ("WorkflowTriggerIsNotEnabled", "The workflow's trigger is not enabled."),
    429: ("WorkflowRequestsThrottled", "The number of requests exceeded the throughput limit."),
    500: ("InternalServerError", "Encountered an internal server error."),
    503: ("ServerTimeout", "The service is temporarily unavailable."),
    504: ("GatewayTimeout", "The gateway did not receive a response in time."),
}


class Trigger:
    """The dialect."""

    def error(self, refusal: Refused) -> Answer:
        """Return the error envelope of the workflow service."""
        code, message = _BY_STATUS.get(refusal.status, ("UnknownError", "The request failed."))
        body = {"error": {"code": refusal.code or code, "message": refusal.message or message}}
        return Answer(refusal.status, body, refusal.headers)

    def headers(self) -> Mapping[str, str]:
        """Return what goes with every answer."""
        return {"x-ms-request-id": f"westeurope:{uuid.uuid4()}"}


def create(surroundings: Surroundings) -> Simulator:
    """Return a fresh workflow, ready to be served or called in-process.

    The token of the surroundings, if there is one, is the signature of the trigger's URL.
    """
    service, workflows = Service(surroundings.clock, Trigger()), Workflows()
    signature = surroundings.token or SIGNATURE

    async def start(request: Request) -> Response:
        return await service.answer(
            _understand(request, await read_body(request), START),
            lambda call: _start(call, workflows, signature),
        )

    async def unknown(request: Request) -> Response:
        def refuse(call: Call) -> Answer:
            raise Refused(404, message=f"nothing at {call.path}")

        return await service.answer(_understand(request, await read_body(request), UNKNOWN), refuse)

    async def no_such_control(request: Request) -> Response:
        raise HTTPException(404, f"no control {request.method} {request.url.path}")

    def interrupt() -> None:
        workflows.interrupt()
        service.pauses.wake_all()

    app = Starlette(
        routes=[
            *control_routes(service, name="logic-app", actions=[START], reset=workflows.clear),
            *logic_app_routes(workflows),
            Route(f"{PREFIX}/{{rest:path}}", no_such_control, methods=_METHODS),
            Route(PATH, start, methods=["POST"]),
            Route("/{rest:path}", unknown, methods=_METHODS),
        ],
        exception_handlers={HTTPException: control_error},
    )
    return Simulator("logic-app", "Azure Logic App", app, interrupt)


def _start(call: Call, workflows: Workflows, signature: str) -> Answer:
    if call.query.get("sig") != signature:
        raise Refused(401)
    if not isinstance(call.body, dict):
        raise Refused(400)
    number = uuid.uuid4().hex.upper()
    run = WorkflowRun(
        id=f"0858{number}CU01",
        tracking_id=call.headers.get("x-ms-client-tracking-id", number),
        request=call.body,
    )
    workflows.start(run)
    headers = {
        "x-ms-workflow-run-id": run.id,
        "x-ms-workflow-name": call.names.get("workflow", ""),
        "x-ms-client-tracking-id": run.tracking_id,
    }
    return Answer(202, None, headers, effect=run.id)


def _understand(request: Request, body: object, action: str) -> Call:
    parameters = body.get("parameters") if isinstance(body, dict) else None
    target = str(parameters.get("target", "")) if isinstance(parameters, dict) else ""
    return Call(
        action=action,
        method=request.method,
        path=request.url.path,
        target=target,
        names={key: str(value) for key, value in request.path_params.items()},
        query={name.lower(): value for name, value in request.query_params.items()},
        headers=dict(request.headers),
        body=body,
    )
