"""The workflow's webhook and its controls, as one ASGI app."""

import json
import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.kit.controls import PREFIX
from simulators.kit.service import Answer, Call, Refused, Service
from simulators.kit.serving import Simulator, Surroundings
from simulators.kit.surface import Path, build
from simulators.teams.model import Channel, NoCard

POST_CARD = "postCard"
SIGNATURE = "simulated-signature"
_PATH = re.compile(r"/workflows/(?P<workflow>[^/]+)/triggers/manual/paths/invoke")
_BY_STATUS = {
    400: ("InvalidRequestContent", "The request content is not valid."),
    401: ("DirectApiAuthorizationRequired", "The request must be authenticated by the SAS scheme."),
    404: ("WorkflowNotFound", "The workflow could not be found."),
    429: ("WorkflowRequestsThrottled", "The number of requests exceeded the throughput limit."),
    503: ("ServerTimeout", "The service is temporarily unavailable."),
}


class Dialect:
    """How the workflow service words errors."""

    def error(self, refusal: Refused) -> Answer:
        """Return the error envelope."""
        code, message = _BY_STATUS.get(refusal.status, ("UnknownError", "The request failed."))
        body = {"error": {"code": refusal.code or code, "message": refusal.message or message}}
        return Answer(refusal.status, body, refusal.headers)

    def headers(self) -> Mapping[str, str]:
        """Return what goes with every answer."""
        return {"x-ms-request-id": "simulated"}


def create(surroundings: Surroundings) -> Simulator:
    """Return a fresh workflow; the token of the surroundings is its URL's signature."""
    service, channel = Service(surroundings.clock, Dialect()), Channel()
    signature = surroundings.token or SIGNATURE

    def post(call: Call) -> Answer:
        if call.query.get("sig") != signature:
            raise Refused(401)
        try:
            number = channel.post(call.body, len(json.dumps(call.body)))
        except NoCard as error:
            raise Refused(400, message=str(error)) from error
        return Answer(202, effect=str(number))

    async def cards(request: Request) -> Response:
        _ = request
        return JSONResponse({"cards": channel.cards})

    app = build(
        service,
        name="teams",
        paths=[Path(POST_CARD, "POST", _PATH, post, lambda call: call.names["workflow"])],
        controls=[Route(f"{PREFIX}/teams/cards", cards)],
        reset=channel.clear,
    )
    return Simulator("teams", "Microsoft Teams", app, service.pauses.wake_all)
