"""The management API of orchestrations.

For people at ``/runtime/webhooks/durabletask`` and for the client binding at
``/durabletask`` (loopback only): the same operations and answers.

Source: ``HttpApiHandler.cs`` and ``DurableClient.cs`` in
Azure/azure-functions-durable-extension.
"""

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localhost.clock import Clock, from_us, iso, parse_iso, to_us
from localhost.durable.binding import Links
from localhost.durable.engine import Engine, new_id
from localhost.durable.entities import entity_id, parse_entity_id
from localhost.durable.entities import request as request_message
from localhost.durable.events import FINISHED, Event, EventType, Status, event, event_raised
from localhost.durable.hub import AlreadyExists
from localhost.durable.records import Instance
from localhost.durable.status import parsed, payload
from localhost.durable.tables import Query
from localhost.durable.writer import HubBroken, HubUnavailable
from localhost.http import read_body, url_of
from localhost.routes import Route, Template

log = logging.getLogger(__name__)

_MAX_ID_LENGTH = 256
_PAGE = 100
_PAGE_HEADER = "x-ms-continuation-token"
_POLL_SECONDS = 5
_FIRST_POLL_SECONDS = 10

Parameters = dict[str, str]
Endpoint = Callable[[Request, Parameters], Awaitable[Response]]


class BadArgument(Exception):
    """System.ArgumentException: the caller's fault."""


class NotPossible(Exception):
    """System.InvalidOperationException: not in this state."""


class DurableApi:
    """Endpoints over one engine.

    Args:
        orchestrators: Names by lower-case name; only these can be started.
        entities: Names in lower case; only these can be signalled.
        default_version: Given to instances that are started without a version.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        links: Links,
        *,
        orchestrators: Mapping[str, str],
        entities: frozenset[str] = frozenset(),
        default_version: str | None = None,
    ) -> None:
        self._engine = engine
        self._hub = engine.hub
        self._clock = clock
        self._links = links
        self._orchestrators = orchestrators
        self._entity_names = entities
        self._default_version = default_version

    def routes(self, prefix: str) -> list[Route[Endpoint]]:
        """Return all routes below ``prefix``."""

        def route(method: str, template: str, endpoint: Endpoint) -> Route[Endpoint]:
            path = Template(f"{prefix}/{template}")
            return Route(path, frozenset({method}), self._guarded(endpoint))

        return [
            route("POST", "orchestrators/{name}/{id?}", self._start),
            route("GET", "instances", self._list),
            route("DELETE", "instances", self._purge_many),
            route("GET", "instances/{id}", self._status),
            route("DELETE", "instances/{id}", self._purge),
            route("POST", "instances/{id}/raiseEvent/{name}", self._raise_event),
            route("POST", "instances/{id}/terminate", self._terminate),
            route("POST", "instances/{id}/suspend", self._suspend),
            route("POST", "instances/{id}/resume", self._resume),
            route("POST", "instances/{id}/rewind", self._rewind),
            route("POST", "instances/{id}/restart", self._restart),
            route("GET", "entities/{name?}", self._entities),
            route("GET", "entities/{name}/{key}", self._entity),
            route("POST", "entities/{name}/{key}", self._signal),
            route("DELETE", "entities/{name}/{key}", self._delete_entity),
        ]

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request, parameters: Parameters) -> Response:
            try:
                return await endpoint(request, parameters)
            except BadArgument as error:
                return problem(
                    400,
                    "One or more of the arguments submitted is incorrect",
                    str(error),
                    "System.ArgumentException",
                )
            except (AlreadyExists, NotPossible) as error:
                return problem(
                    500,
                    "Something went wrong while processing your request",
                    str(error),
                    "System.InvalidOperationException",
                )
            except (HubUnavailable, HubBroken) as error:
                answer = problem(503, "The task hub cannot be written", str(error), "Unavailable")
                answer.headers["Retry-After"] = str(_POLL_SECONDS)
                return answer

        return guarded

    # -- starting ----------------------------------------------------------------------

    async def _start(self, request: Request, parameters: Parameters) -> Response:
        name = self._orchestrator(parameters["name"])
        instance_id = parameters.get("id")
        if instance_id is not None:
            check_instance_id(instance_id)
        try:
            input_text = _json_text(await read_body(request))
        except ValueError as error:
            return problem(400, "Invalid JSON content", str(error), "JsonReaderException")
        version = request.query_params.get("version") or self._default_version
        instance_id = await self._engine.create(name, instance_id, input_text, version)
        return await self._started(request, instance_id)

    def _orchestrator(self, name: str) -> str:
        found = self._orchestrators.get(name.lower())
        if found is None:
            known = "', '".join(sorted(self._orchestrators.values()))
            raise BadArgument(
                f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator "
                "function. Additional info: "
                + (
                    f"The following are the known orchestrator functions: '{known}'."
                    if known
                    else "No orchestrator functions are currently registered!"
                )
            )
        return found

    async def _started(self, request: Request, instance_id: str) -> Response:
        """Answer with the management URLs, or wait for the result when asked to."""
        timeout = _number(request, "timeout")
        if timeout is not None and _number(request, "pollingInterval") is not None:
            try:
                async with asyncio.timeout(timeout):
                    await self._engine.finished(instance_id)
            except TimeoutError:
                log.debug("%r is still running after %s s", instance_id, timeout)
            instance = self._hub.instance(instance_id)
            if instance is not None and instance.status is Status.COMPLETED:
                return JSONResponse(parsed(instance.output))
            if instance is not None and instance.status in FINISHED:
                return await self._status(request, {"id": instance_id})
        links = self._links.management(instance_id, _origin(request))
        return JSONResponse(
            links,
            202,
            {"Location": links["statusQueryGetUri"], "Retry-After": str(_FIRST_POLL_SECONDS)},
        )

    # -- asking ------------------------------------------------------------------------

    async def _status(self, request: Request, parameters: Parameters) -> Response:
        instance = self._hub.instance(parameters["id"])
        if instance is None:
            return Response(status_code=404)
        show_history = _flag(request, "showHistory", default=False)
        history: list[Event] | None = None
        if show_history:
            stored = await asyncio.to_thread(self._hub.history, instance.instance_id)
            history = stored.events
        answer = payload(
            instance,
            show_input=_flag(request, "showInput", default=True),
            history=history,
            show_output=_flag(request, "showHistoryOutput", default=False),
        )
        if instance.status not in FINISHED:
            headers = {"Location": url_of(request), "Retry-After": str(_POLL_SECONDS)}
            return JSONResponse(answer, 202, headers)
        wants_500 = _flag(request, "returnInternalServerErrorOnFailure", default=False)
        failed = instance.status is Status.FAILED and wants_500
        return JSONResponse(answer, 500 if failed else 200)

    async def _list(self, request: Request, _parameters: Parameters) -> Response:
        top = _number(request, "top")
        limit = int(top) if top is not None and top >= 1 else _PAGE
        query = Query(
            created_from_us=_time(request, "createdTimeFrom"),
            created_to_us=_time(request, "createdTimeTo"),
            statuses=_statuses(request),
            id_prefix=request.query_params.get("instanceIdPrefix", ""),
            after_id=_read_page_mark(request.headers.get(_PAGE_HEADER)),
            limit=limit + 1,
        )
        found = await asyncio.to_thread(self._hub.instances, query)
        page = found[:limit]
        show_input = _flag(request, "showInput", default=True)
        more = page[-1].instance_id if len(found) > limit else None
        return JSONResponse(
            [payload(instance, show_input=show_input) for instance in page],
            headers={_PAGE_HEADER: _page_mark(more)},
        )

    # -- telling -----------------------------------------------------------------------

    async def _raise_event(self, request: Request, parameters: Parameters) -> Response:
        instance_id = parameters["id"]
        gone = _gone(self._hub.instance(instance_id))
        if gone is not None:
            return gone
        media_type = request.headers.get("content-type", "").partition(";")[0].strip()
        if media_type.lower() != "application/json":
            return JSONResponse(
                {"Message": "Only application/json request content is supported"}, 400
            )
        try:
            input_text = _json_text(await read_body(request))
        except ValueError as error:
            return problem(400, "Invalid JSON content", str(error), "JsonReaderException")
        raised = event_raised(self._clock.now(), parameters["name"], input_text)
        return await self._post(instance_id, raised)

    async def _terminate(self, request: Request, parameters: Parameters) -> Response:
        reason = request.query_params.get("reason")
        kind = EventType.EXECUTION_TERMINATED
        return await self._post(parameters["id"], event(kind, self._clock.now(), Input=reason))

    async def _suspend(self, request: Request, parameters: Parameters) -> Response:
        reason = request.query_params.get("reason")
        kind = EventType.EXECUTION_SUSPENDED
        return await self._post(parameters["id"], event(kind, self._clock.now(), Reason=reason))

    async def _resume(self, request: Request, parameters: Parameters) -> Response:
        reason = request.query_params.get("reason")
        kind = EventType.EXECUTION_RESUMED
        return await self._post(parameters["id"], event(kind, self._clock.now(), Reason=reason))

    async def _rewind(self, request: Request, parameters: Parameters) -> Response:
        reason = request.query_params.get("reason")
        status = await self._engine.rewind(parameters["id"], reason)
        if status is None:
            return Response(status_code=404)
        if status is Status.FAILED:
            return Response(status_code=202)
        if status in FINISHED:
            return Response(status_code=410)
        raise NotPossible(
            "The rewind operation is only supported on failed orchestration instances."
        )

    async def _restart(self, request: Request, parameters: Parameters) -> Response:
        instance = self._hub.instance(parameters["id"])
        if instance is None:
            return problem(
                400,
                "InstanceId does not match a valid orchestration instance.",
                f"An orchestration with the instanceId {parameters['id']} was not found.",
                "System.ArgumentException",
            )
        name = self._orchestrator(instance.name)
        same = not _flag(request, "restartWithNewInstanceId", default=True)
        instance_id = await self._engine.create(
            name, instance.instance_id if same else None, instance.input_text, instance.version
        )
        return await self._started(request, instance_id)

    # -- entities ----------------------------------------------------------------------

    async def _entities(self, request: Request, parameters: Parameters) -> Response:
        found = await asyncio.to_thread(self._hub.entities, parameters.get("name", ""))
        fetch = _flag(request, "fetchState", default=False)
        answer = []
        for identity, state, updated_us in found:
            name, key = parse_entity_id(identity)
            one: dict[str, object] = {
                "entityId": {"name": name, "key": key},
                "lastOperationTime": iso(from_us(updated_us)),
            }
            if fetch:
                one["state"] = parsed(state)
            answer.append(one)
        return JSONResponse(answer)

    async def _entity(self, _request: Request, parameters: Parameters) -> Response:
        state = self._hub.entity_state(entity_id(parameters["name"], parameters["key"]))
        return Response(status_code=404) if state is None else JSONResponse(parsed(state))

    async def _signal(self, request: Request, parameters: Parameters) -> Response:
        body = await read_body(request)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not body:
            text = None
        elif media_type == "application/json":
            try:
                text = _json_text(body)
            except ValueError as error:
                message = f"Could not parse JSON content: {error}"
                return JSONResponse({"Message": message}, 400)
        else:
            text = json.dumps(body.decode("utf-8", "replace"))
        return await self._tell(parameters, request.query_params.get("op", ""), text)

    async def _delete_entity(self, _request: Request, parameters: Parameters) -> Response:
        return await self._tell(parameters, "delete", None)

    async def _tell(
        self, parameters: Parameters, operation: str, input_text: str | None
    ) -> Response:
        name, key = parameters["name"], parameters["key"]
        if name.lower() not in self._entity_names:
            raise BadArgument(
                f"The function '{name}' doesn't exist, is disabled, or is not an entity function."
            )
        message = request_message(operation, new_id(), input_text)
        raised = event_raised(self._clock.now(), "op", message)
        await self._engine.signal(entity_id(name, key), raised)
        return Response(status_code=202)

    async def _post(self, instance_id: str, message: Event) -> Response:
        status = await self._hub.post(instance_id, message)
        if status is None:
            return Response(status_code=404)
        if status in FINISHED:
            return Response(status_code=410)
        self._engine.wake(instance_id)
        return Response(status_code=202)

    # -- deleting ----------------------------------------------------------------------

    async def _purge(self, _request: Request, parameters: Parameters) -> Response:
        instance_id = parameters["id"]
        if await self._hub.purge([instance_id]) == 0:
            return Response(status_code=404)
        self._engine.forget(instance_id)
        return JSONResponse({"instancesDeleted": 1})

    async def _purge_many(self, request: Request, _parameters: Parameters) -> Response:
        created_from = _time(request, "createdTimeFrom")
        if created_from is None:
            return JSONResponse("Please provide value for 'createdTimeFrom' parameter.", 400)
        query = Query(
            created_from_us=created_from,
            created_to_us=_time(request, "createdTimeTo") or to_us(self._clock.now()),
            statuses=_statuses(request) or FINISHED,
        )
        found = await asyncio.to_thread(self._hub.instances, query)
        ids = [instance.instance_id for instance in found]
        deleted = await self._hub.purge(ids)
        for instance_id in ids:
            self._engine.forget(instance_id)
        if deleted == 0:
            return Response(status_code=404)
        return JSONResponse({"instancesDeleted": deleted})


def problem(status: int, message: str, detail: str, kind: str) -> JSONResponse:
    """Return an error as ASP.NET Web API writes it."""
    return JSONResponse(
        {
            "Message": message,
            "ExceptionMessage": detail,
            "ExceptionType": kind,
            "StackTrace": None,
        },
        status,
    )


def check_instance_id(instance_id: str) -> None:
    """Refuse ids that the extension refuses.

    Raises:
        BadArgument: it says what is wrong.
    """
    if instance_id.startswith("@"):
        raise BadArgument("Orchestration instance ids must not start with @.")
    if any(c in "/\\#?" or ord(c) < 32 or 127 <= ord(c) < 160 for c in instance_id):
        raise BadArgument(
            "Orchestration instance ids must not contain /, \\, #, ?, or control characters."
        )
    if len(instance_id) > _MAX_ID_LENGTH:
        raise BadArgument(f"Instance ID lengths must not exceed {_MAX_ID_LENGTH} characters.")


def _gone(instance: Instance | None) -> Response | None:
    if instance is None:
        return Response(status_code=404)
    return Response(status_code=410) if instance.status in FINISHED else None


def _json_text(body: bytes) -> str | None:
    """Return ``body`` as compact JSON text, or None when it is empty."""
    if not body:
        return None
    return json.dumps(json.loads(body), separators=(",", ":"))


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def _flag(request: Request, name: str, *, default: bool) -> bool:
    # The SDK sends Python's "True"; .NET's bool.TryParse takes any case, and only that.
    text = request.query_params.get(name, "").strip().lower()
    return text == "true" if text in ("true", "false") else default


def _number(request: Request, name: str) -> float | None:
    try:
        return float(request.query_params[name])
    except (KeyError, ValueError):
        return None


def _time(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    for candidate in (text, text.replace(" ", "+")):
        try:
            moment: datetime = parse_iso(candidate)
        except ValueError:
            continue
        return to_us(moment)
    return None


def _statuses(request: Request) -> frozenset[Status]:
    words = [w for text in request.query_params.getlist("runtimeStatus") for w in text.split(",")]
    known = {str(status).lower(): status for status in Status}
    return frozenset(known[word.lower()] for word in words if word.lower() in known)


def _page_mark(instance_id: str | None) -> str:
    if instance_id is None:
        return ""
    return base64.urlsafe_b64encode(instance_id.encode()).decode()


def _read_page_mark(mark: str | None) -> str | None:
    if not mark or mark == "null":
        return None
    try:
        return base64.urlsafe_b64decode(mark.encode()).decode()
    except ValueError:
        raise BadArgument("the continuation token is not one of this API") from None
