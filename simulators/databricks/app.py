"""The workspace's REST surface over the model, and its controls, as one ASGI app."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.databricks.controls import databricks_routes
from simulators.databricks.model import World
from simulators.databricks.operations import Operate, Operations
from simulators.kit.controls import PREFIX, control_error, control_routes
from simulators.kit.service import Answer, Call, Refused, Service, read_body
from simulators.kit.serving import Simulator, Surroundings

UNKNOWN = "unknown"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
_BY_STATUS = {
    400: ("INVALID_PARAMETER_VALUE", "The request could not be understood."),
    401: ("UNAUTHENTICATED", "Request to call the API was not authenticated."),
    403: ("PERMISSION_DENIED", "User does not have permission to perform this action."),
    404: ("ENDPOINT_NOT_FOUND", "No API found for this path."),
    409: ("RESOURCE_CONFLICT", "Another operation is in progress on this resource."),
    429: ("REQUEST_LIMIT_EXCEEDED", "Current request exceeds the rate limit."),
    500: ("INTERNAL_ERROR", "An internal error occurred."),
    503: ("TEMPORARILY_UNAVAILABLE", "The service is temporarily unavailable."),
    504: ("DEADLINE_EXCEEDED", "The gateway did not receive a response in time."),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the REST surface; ``target`` is the field the call is about."""

    action: str
    method: str
    path: re.Pattern[str]
    target: str
    operate: Operate


def _jobs(path: str) -> re.Pattern[str]:
    return re.compile(rf"/api/2\.[12]/jobs/{path}")


def _clusters(path: str) -> re.Pattern[str]:
    return re.compile(rf"/api/2\.[01]/clusters/{path}")


def _libraries(path: str) -> re.Pattern[str]:
    return re.compile(rf"/api/2\.0/libraries/{path}")


OPERATIONS = (
    Operation("runNow", "POST", _jobs("run-now"), "job_id", Operations.run_now),
    Operation("repairRun", "POST", _jobs("runs/repair"), "run_id", Operations.repair),
    Operation("getRun", "GET", _jobs("runs/get"), "run_id", Operations.get_run),
    Operation("listRuns", "GET", _jobs("runs/list"), "job_id", Operations.list_runs),
    Operation("getRunOutput", "GET", _jobs("runs/get-output"), "run_id", Operations.get_output),
    Operation("cancelRun", "POST", _jobs("runs/cancel"), "run_id", Operations.cancel_run),
    Operation("getJob", "GET", _jobs("get"), "job_id", Operations.get_job),
    Operation("updateJob", "POST", _jobs("update"), "job_id", Operations.update_job),
    Operation("getCluster", "GET", _clusters("get"), "cluster_id", Operations.get_cluster),
    Operation(
        "restartCluster", "POST", _clusters("restart"), "cluster_id", Operations.restart_cluster
    ),
    Operation("startCluster", "POST", _clusters("start"), "cluster_id", Operations.start_cluster),
    Operation(
        "resizeCluster", "POST", _clusters("resize"), "cluster_id", Operations.resize_cluster
    ),
    Operation(
        "clusterEvents", "POST", _clusters("events"), "cluster_id", Operations.cluster_events
    ),
    Operation(
        "runStatement",
        "POST",
        re.compile("/api/2.0/sql/statements/?"),
        "warehouse_id",
        Operations.run_statement,
    ),
    Operation(
        "libraryStatus",
        "GET",
        _libraries("cluster-status"),
        "cluster_id",
        Operations.library_status,
    ),
    Operation("installLibraries", "POST", _libraries("install"), "cluster_id", Operations.install),
    Operation(
        "uninstallLibraries", "POST", _libraries("uninstall"), "cluster_id", Operations.uninstall
    ),
)


class Workspace:
    """The dialect.

    Args:
        token: Bearer token that callers must show; ``None`` lets everybody in.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token

    def error(self, refusal: Refused) -> Answer:
        """Return the error envelope of the REST API."""
        code, message = _BY_STATUS.get(refusal.status, ("UNKNOWN", "The request failed."))
        request = {
            "@type": "type.googleapis.com/google.rpc.RequestInfo",
            "request_id": str(uuid.uuid4()),
        }
        body = {
            "error_code": refusal.code or code,
            "message": refusal.message or message,
            "details": [request],
        }
        return Answer(refusal.status, body, refusal.headers)

    def headers(self) -> Mapping[str, str]:
        """Return the id that goes with every answer."""
        return {"x-databricks-org-id": "4400000000000001"}

    def admit(self, call: Call) -> None:
        """Refuse callers without the token."""
        if self._token and call.headers.get("authorization") != f"Bearer {self._token}":
            raise Refused(401)


def create(surroundings: Surroundings) -> Simulator:
    """Return a fresh workspace, ready to be served or called in-process."""
    workspace, world = Workspace(surroundings.token), World(surroundings.clock)
    service, operations = Service(surroundings.clock, workspace), Operations(world)

    async def call_service(request: Request) -> Response:
        operation, call = _understand(request, await read_body(request), world)

        def operate(call: Call) -> Answer:
            workspace.admit(call)
            if operation is None:
                raise Refused(404)
            return operation.operate(operations, call)

        return await service.answer(call, operate)

    async def no_such_control(request: Request) -> Response:
        raise HTTPException(404, f"no control {request.method} {request.url.path}")

    app = Starlette(
        routes=[
            *control_routes(
                service,
                name="databricks",
                actions=[operation.action for operation in OPERATIONS],
                reset=world.clear,
            ),
            *databricks_routes(world),
            Route(f"{PREFIX}/{{rest:path}}", no_such_control, methods=_METHODS),
            Route("/{rest:path}", call_service, methods=_METHODS),
        ],
        exception_handlers={HTTPException: control_error},
    )
    return Simulator("databricks", "Databricks workspace", app, service.pauses.wake_all)


def _understand(request: Request, body: object, world: World) -> tuple[Operation | None, Call]:
    path = request.url.path
    found = next(
        (o for o in OPERATIONS if o.method == request.method and o.path.fullmatch(path)), None
    )
    given = {**request.query_params, **(body if isinstance(body, dict) else {})}
    target = str(given.get(found.target, "")) if found else ""
    run = world.runs.get(int(target)) if target.isdigit() else None
    call = Call(
        action=found.action if found else UNKNOWN,
        method=request.method,
        path=path,
        target=target,
        aliases=(run.job.script.name,) if run else (),
        query={name.lower(): value for name, value in request.query_params.items()},
        headers=dict(request.headers),
        body=body,
    )
    return found, call
