"""The methods of the Web API that a bot needs, and the controls, as one ASGI app."""

import re
from collections.abc import Callable, Mapping

from simulators.kit.service import Answer, Call, Refused, Service
from simulators.kit.serving import Simulator, Surroundings
from simulators.kit.surface import Path, build
from simulators.slack.controls import slack_routes
from simulators.slack.model import Message, SlackError, Workspace

TOKEN = "xoxb-simulated"  # noqa: S105 - of a simulator
_PAGE = 100
_BY_STATUS = {
    401: "invalid_auth",
    403: "no_permission",
    404: "unknown_method",
    409: "request_timeout",
    429: "ratelimited",
    500: "internal_error",
    503: "service_unavailable",
    504: "request_timeout",
}
Method = Callable[[Workspace, Call], Answer]


class Dialect:
    """How Slack refuses: with 200 and ``ok: false``, except for limits and broken gateways."""

    def error(self, refusal: Refused) -> Answer:
        """Return the error envelope."""
        code = refusal.code or _BY_STATUS.get(refusal.status, "fatal_error")
        status = refusal.status if refusal.status in {404, 429, 500, 503, 504} else 200
        return Answer(status, {"ok": False, "error": code}, refusal.headers)

    def headers(self) -> Mapping[str, str]:
        """Return what goes with every answer."""
        return {"x-slack-unique-id": "simulated"}


def _post(workspace: Workspace, call: Call) -> Answer:
    message = workspace.post(_body(call))
    body = {"ok": True, "channel": message.channel, "ts": message.ts, "message": message.as_json()}
    return Answer(body=body, effect=message.ts)


def _update(workspace: Workspace, call: Call) -> Answer:
    message = workspace.update(_body(call))
    body = {"ok": True, "channel": message.channel, "ts": message.ts, "text": message.text}
    return Answer(body=body, effect=message.ts)


def _history(workspace: Workspace, call: Call) -> Answer:
    found = workspace.history(call.query.get("channel", ""), float(call.query.get("oldest", "0")))
    return _page(found, call)


def _replies(workspace: Workspace, call: Call) -> Answer:
    return _page(workspace.replies(call.query.get("channel", ""), call.query.get("ts", "")), call)


def _page(found: list[Message], call: Call) -> Answer:
    start = int(call.query.get("cursor") or "0")
    end = start + int(call.query.get("limit", str(_PAGE)))
    metadata = call.query.get("include_all_metadata", "").lower() in {"1", "true"}
    more = end < len(found)
    return Answer(
        body={
            "ok": True,
            "messages": [one.as_json(metadata=metadata) for one in found[start:end]],
            "has_more": more,
            "response_metadata": {"next_cursor": str(end) if more else ""},
        }
    )


def _who(_workspace: Workspace, _call: Call) -> Answer:
    return Answer(body={"ok": True, "user": "mend", "team": "simulated"})


METHODS: dict[str, tuple[str, Method]] = {
    "auth.test": ("POST", _who),
    "chat.postMessage": ("POST", _post),
    "chat.update": ("POST", _update),
    "conversations.history": ("GET", _history),
    "conversations.replies": ("GET", _replies),
}


def create(surroundings: Surroundings) -> Simulator:
    """Return a fresh workspace; the token of the surroundings is the bot's."""
    service, workspace = Service(surroundings.clock, Dialect()), Workspace(surroundings.clock)
    bearer = f"Bearer {surroundings.token or TOKEN}"

    def operation(method: Method) -> Callable[[Call], Answer]:
        def operate(call: Call) -> Answer:
            shown = call.headers.get("authorization", "")
            if shown != bearer:
                raise Refused(401, None if shown else "not_authed")
            try:
                return method(workspace, call)
            except SlackError as error:
                raise Refused(200, str(error)) from error

        return operate

    paths = [
        Path(name, verb, re.compile(rf"/api/{re.escape(name)}"), operation(method), _target)
        for name, (verb, method) in METHODS.items()
    ]
    controls = slack_routes(workspace, surroundings.clock)
    app = build(service, name="slack", paths=paths, controls=controls, reset=workspace.clear)
    return Simulator("slack", "Slack", app, service.pauses.wake_all)


def _body(call: Call) -> Mapping[str, object]:
    if not isinstance(call.body, Mapping):
        raise SlackError("invalid_json")
    return call.body


def _target(call: Call) -> str:
    body = call.body if isinstance(call.body, Mapping) else {}
    return str(body.get("channel") or call.query.get("channel", ""))
