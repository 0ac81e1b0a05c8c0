"""The endpoint and its controls, as one ASGI app."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from simulators.kit.connection import ResetAnswer
from simulators.kit.controls import PREFIX, control_error, control_routes
from simulators.kit.service import Answer, Call, Interrupted, Refused, Service, read_body
from simulators.kit.serving import Simulator, Surroundings
from simulators.model_endpoint.controls import model_routes, prompt_of
from simulators.model_endpoint.minds import blank, look_up, obey
from simulators.model_endpoint.scripts import Mode, ModelScript

COMPLETE = "createChatCompletion"
LIST = "listModels"
UNKNOWN = "unknown"
_PATHS = ("/v1/chat/completions", "/openai/v1/chat/completions")
_LISTS = ("/v1/models", "/openai/v1/models")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
_HANGS_SECONDS = 3_600.0
_HUGE_BYTES = 10 * 1024 * 1024
_HUGE_PIECE = b"a" * 65_536
_PAGE = "<html><head><title>Sign in</title></head><body>Please sign in</body></html>"
_CODES = {
    400: ("invalid_request_error", "invalid_value", "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "forbidden", "You are not allowed to use this model."),
    404: ("invalid_request_error", "not_found", "The requested resource was not found."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached. Please try again later."),
    500: ("server_error", "internal_error", "The server had an error."),
    503: ("server_error", "overloaded", "The engine is currently overloaded."),
}


class Api:
    """The dialect."""

    def error(self, refusal: Refused) -> Answer:
        """Return the error envelope of the API."""
        kind, code, message = _CODES.get(refusal.status, ("server_error", "error", "It failed."))
        error = {
            "message": refusal.message or message,
            "type": kind,
            "param": None,
            "code": refusal.code or code,
        }
        return Answer(refusal.status, {"error": error}, refusal.headers)

    def headers(self) -> Mapping[str, str]:
        """Return what goes with every answer."""
        return {"x-request-id": f"req_{uuid.uuid4().hex}"}


class Mind:
    """The model: how it behaves at present."""

    def __init__(self) -> None:
        self.script = ModelScript()

    def follow(self, script: ModelScript) -> None:
        """Behave so from now on."""
        self.script = script

    def clear(self) -> None:
        """Be honest, and know nothing."""
        self.script = ModelScript()


def create(surroundings: Surroundings) -> Simulator:
    """Return a fresh endpoint, ready to be served or called in-process."""
    service, mind = Service(surroundings.clock, Api()), Mind()

    async def complete(request: Request) -> Response:
        script = mind.script
        call = _understand(request, await read_body(request), COMPLETE)
        usual = await service.answer(call, lambda one: _complete(one, script, surroundings.token))
        return usual if usual.status_code != 200 else await _instead(script, usual, service)

    async def models(request: Request) -> Response:
        call = _understand(request, await read_body(request), LIST)
        return await service.answer(call, lambda one: _models(one, surroundings.token))

    async def unknown(request: Request) -> Response:
        def refuse(call: Call) -> Answer:
            raise Refused(404, message=f"nothing at {call.path}")

        return await service.answer(_understand(request, await read_body(request), UNKNOWN), refuse)

    async def no_such_control(request: Request) -> Response:
        raise HTTPException(404, f"no control {request.method} {request.url.path}")

    app = Starlette(
        routes=[
            *control_routes(
                service, name="model-endpoint", actions=[COMPLETE, LIST], reset=mind.clear
            ),
            *model_routes(service.ledger, mind.follow),
            Route(f"{PREFIX}/{{rest:path}}", no_such_control, methods=_METHODS),
            *(Route(path, complete, methods=["POST"]) for path in _PATHS),
            *(Route(path, models, methods=["GET"]) for path in _LISTS),
            Route("/{rest:path}", unknown, methods=_METHODS),
        ],
        exception_handlers={HTTPException: control_error},
    )
    return Simulator("model-endpoint", "OpenAI-compatible model", app, service.pauses.wake_all)


def _admit(call: Call, token: str | None) -> None:
    if token is not None and call.headers.get("authorization") != f"Bearer {token}":
        raise Refused(401)


def _models(call: Call, token: str | None) -> Answer:
    _admit(call, token)
    return Answer(body={"object": "list", "data": [{"id": "simulated", "object": "model"}]})


def _complete(call: Call, script: ModelScript, token: str | None) -> Answer:
    _admit(call, token)
    if not isinstance(call.body, dict) or not isinstance(call.body.get("messages"), list):
        raise Refused(400)
    if script.mode is Mode.THROTTLED:
        raise Refused(429, headers={"Retry-After": f"{script.retry_after:g}"})
    message: dict[str, object] = {"role": "assistant", "content": None, "refusal": None}
    finish = "stop"
    prompt, schema = prompt_of(call.body), _schema(call.body)
    match script.mode:
        case Mode.EVIL:
            message["content"] = obey(prompt, schema)
        case Mode.WRONG_ENUMS:
            message["content"] = json.dumps(blank(schema, enum="made_up_by_the_model"))
        case Mode.PROSE:
            message["content"] = "I think that the network was down for a moment."
        case Mode.REFUSAL:
            message["refusal"] = "I cannot help with that."
        case Mode.CUT_OFF:
            message["content"], finish = look_up(prompt, script.answers, schema)[:9], "length"
        case Mode.FILTERED:
            finish = "content_filter"
        case _:
            message["content"] = look_up(prompt, script.answers, schema)
    number = uuid.uuid4().hex
    used = len(json.dumps(call.body)) // 4
    said = len(str(message["content"] or "")) // 4
    total = script.tokens if script.tokens is not None else used + said
    body = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": call.target,
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": used, "completion_tokens": said, "total_tokens": total},
    }
    return Answer(200, body, effect=str(message["content"] or message["refusal"] or finish))


async def _instead(script: ModelScript, usual: Response, service: Service) -> Response:
    """Return what comes over the wire where it is not the usual answer."""
    if script.mode is Mode.HANG:
        try:
            await service.pauses.wait(_HANGS_SECONDS)
        except Interrupted:
            return ResetAnswer()
    kind = "application/json"
    strange: dict[Mode, Callable[[], Response]] = {
        Mode.STREAM: lambda: StreamingResponse(_for_ever(script.pace_seconds), media_type=kind),
        Mode.HTML: lambda: HTMLResponse(_PAGE),
        Mode.EMPTY: lambda: Response(b"{}", media_type=kind),
        Mode.HUGE: lambda: StreamingResponse(_huge(), media_type=kind),
        Mode.REDIRECT: lambda: RedirectResponse(script.redirect_to, 307),
    }
    return strange[script.mode]() if script.mode in strange else usual


async def _for_ever(pace_seconds: float) -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(pace_seconds)


async def _huge() -> AsyncIterator[bytes]:
    yield b'{"choices": [{"finish_reason": "stop", "message": {"content": "'
    for _ in range(_HUGE_BYTES // len(_HUGE_PIECE)):
        yield _HUGE_PIECE
    yield b'"}}]}'


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any]:
    wanted = body.get("response_format")
    inner = wanted.get("json_schema") if isinstance(wanted, dict) else None
    schema = inner.get("schema") if isinstance(inner, dict) else None
    return schema if isinstance(schema, dict) else {}


def _understand(request: Request, body: object, action: str) -> Call:
    model = body.get("model") if isinstance(body, dict) else None
    return Call(
        action=action,
        method=request.method,
        path=request.url.path,
        target=str(model or ""),
        query={name.lower(): value for name, value in request.query_params.items()},
        headers=dict(request.headers),
        body=body,
    )
