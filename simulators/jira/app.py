"""The REST API v3 of issues and its controls, as one ASGI app."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.jira.model import TRANSITIONS, JiraError, Site, status_json
from simulators.kit.controls import PREFIX, Instruction, instruction
from simulators.kit.service import Answer, Call, Refused, Service
from simulators.kit.serving import Simulator, Surroundings
from simulators.kit.surface import Path, build

USER, TOKEN = "mend@example.com", "simulated"
_API = r"/rest/api/3"
_ISSUE = rf"{_API}/issue/(?P<key>[^/]+)"
_BY_STATUS = {
    401: "Client must be authenticated to access this resource.",
    403: "You do not have permission.",
    404: "Issue does not exist or you do not have permission to see it.",
    429: "Rate limit exceeded.",
    503: "Service temporarily unavailable.",
}
Operate = Callable[[Site, Call], Answer]


class SwitchScript(Instruction):
    """Behaviour of the whole site."""

    index_seconds: float = Field(default=0, ge=0)


class MoveScript(Instruction):
    """A person moves an issue."""

    key: str
    transition: str


class Dialect:
    """How Jira words errors."""

    def error(self, refusal: Refused) -> Answer:
        """Return the error collection."""
        message = refusal.message or _BY_STATUS.get(refusal.status, "Internal server error")
        body: dict[str, object] = {"errorMessages": [message], "errors": {}}
        return Answer(refusal.status, body, refusal.headers)

    def headers(self) -> Mapping[str, str]:
        """Return what goes with every answer."""
        return {"X-AREQUESTID": "simulated"}


def _create(site: Site, call: Call) -> Answer:
    issue = site.create(_part(call.body, "fields"))
    body = {"id": issue.key.rpartition("-")[2], "key": issue.key, "self": f"{_API}/{issue.key}"}
    return Answer(201, body, effect=issue.key)


def _get(site: Site, call: Call) -> Answer:
    return Answer(body=site.issue(call.names["key"]).as_json())


def _edit(site: Site, call: Call) -> Answer:
    issue = site.issue(call.names["key"])
    changes = _part(call.body, "update").get("labels")
    for change in changes if isinstance(changes, list) else []:
        label = str(change.get("add", ""))
        if label and label not in issue.labels:
            issue.labels.append(label)
    site.touch(issue)
    return Answer(204, effect=issue.key)


def _comments(site: Site, call: Call) -> Answer:
    found = site.issue(call.names["key"]).comments
    start = int(call.query.get("startat", "0"))
    most = int(call.query.get("maxresults", "50"))
    return Answer(
        body={
            "startAt": start,
            "maxResults": most,
            "total": len(found),
            "comments": found[start : start + most],
        }
    )


def _comment(site: Site, call: Call) -> Answer:
    body = call.body.get("body") if isinstance(call.body, Mapping) else None
    comment = site.comment(call.names["key"], body)
    return Answer(201, comment, effect=str(comment["id"]))


def _transitions(site: Site, call: Call) -> Answer:
    site.issue(call.names["key"])
    found = [
        {"id": one, "name": name, "to": status_json(name)} for one, name in TRANSITIONS.items()
    ]
    return Answer(body={"transitions": found})


def _move(site: Site, call: Call) -> Answer:
    issue = site.move(call.names["key"], str(_part(call.body, "transition").get("id", "")))
    return Answer(204, effect=f"{issue.key} {issue.status}")


def _search(site: Site, call: Call) -> Answer:
    found = [issue.as_json() for issue in site.search(call.query.get("jql", ""))]
    most = int(call.query.get("maxresults", "50"))
    return Answer(body={"issues": found[:most], "isLast": len(found) <= most})


def _project(_site: Site, call: Call) -> Answer:
    return Answer(body={"key": call.names["key"], "name": call.names["key"]})


OPERATIONS: tuple[tuple[str, str, str, Operate], ...] = (
    ("getProject", "GET", rf"{_API}/project/(?P<key>[^/]+)", _project),
    ("createIssue", "POST", rf"{_API}/issue", _create),
    ("getIssue", "GET", _ISSUE, _get),
    ("editIssue", "PUT", _ISSUE, _edit),
    ("getComments", "GET", rf"{_ISSUE}/comment", _comments),
    ("addComment", "POST", rf"{_ISSUE}/comment", _comment),
    ("getTransitions", "GET", rf"{_ISSUE}/transitions", _transitions),
    ("doTransition", "POST", rf"{_ISSUE}/transitions", _move),
    ("searchIssues", "GET", rf"{_API}/search/jql", _search),
)


def create(surroundings: Surroundings) -> Simulator:
    """Return a fresh site; the token of the surroundings is the user's API token."""
    service, site = Service(surroundings.clock, Dialect()), Site(surroundings.clock)
    login = base64.b64encode(f"{USER}:{surroundings.token or TOKEN}".encode()).decode()

    def operation(operate: Operate) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            if call.headers.get("authorization", "") != f"Basic {login}":
                raise Refused(401)
            try:
                return operate(site, call)
            except JiraError as error:
                whole = error.fields.pop("", None)
                body: dict[str, object] = {
                    "errorMessages": [whole] if whole else [],
                    "errors": error.fields,
                }
                return Answer(error.status, body)

        return answer

    paths = [
        Path(action, verb, re.compile(path), operation(operate), _target)
        for action, verb, path, operate in OPERATIONS
    ]
    app = build(service, name="jira", paths=paths, controls=_controls(site), reset=site.clear)
    return Simulator("jira", "Jira", app, service.pauses.wake_all)


def _controls(site: Site) -> list[Route]:
    """Return the routes of its own controls.

    GET    /_sim/jira/issues      every issue with its comments and moves, oldest first
    PUT    /_sim/jira/switches    SwitchScript
    POST   /_sim/jira/moves       a person moves an issue    MoveScript
    """

    async def issues(request: Request) -> Response:
        _ = request
        shown = [{**asdict(one), "created": "", "updated": ""} for one in site.issues]
        return JSONResponse({"issues": shown})

    async def switch(request: Request) -> Response:
        site.index_seconds = (await instruction(request, SwitchScript)).index_seconds
        return JSONResponse({"index_seconds": site.index_seconds})

    async def move(request: Request) -> Response:
        script = await instruction(request, MoveScript)
        site.move(script.key, script.transition)
        return JSONResponse({"key": script.key}, 201)

    path = f"{PREFIX}/jira"
    return [
        Route(f"{path}/issues", issues),
        Route(f"{path}/switches", switch, methods=["PUT"]),
        Route(f"{path}/moves", move, methods=["POST"]),
    ]


def _target(call: Call) -> str:
    return call.names.get("key", "") or str(_part(call.body, "fields").get("summary", ""))


def _part(body: object, name: str) -> Mapping[str, object]:
    found = body.get(name) if isinstance(body, Mapping) else None
    return found if isinstance(found, Mapping) else {}
