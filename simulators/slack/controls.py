"""The workspace's own controls, beside those that every simulator has.

GET    /_sim/slack/messages     what stands in the channels, oldest first
POST   /_sim/slack/deletions    a person deletes a message      DeletionScript
POST   /_sim/slack/clicks       what a click would send us      ClickScript
POST   /_sim/slack/replies      the address that comes with a click: what its person is told
GET    /_sim/slack/replies      all that was told so
"""

import hmac
import json
from dataclasses import asdict
from hashlib import sha256
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.kit.clock import Clock
from simulators.kit.controls import PREFIX, Instruction, instruction
from simulators.slack.model import Workspace

SIGNING_SECRET = "simulated-signing-secret"  # noqa: S105 - of a simulator


class DeletionScript(Instruction):
    """Which message."""

    ts: str


class ClickScript(Instruction):
    """A click on a button. ``age_seconds``: how long ago it was signed."""

    action_id: str
    value: str
    user: str = "U0PERSON"
    age_seconds: float = 0
    secret: str = SIGNING_SECRET
    response_url: str | None = None


def slack_routes(workspace: Workspace, clock: Clock) -> list[Route]:
    """Return the routes of the controls."""

    async def messages(request: Request) -> Response:
        _ = request
        return JSONResponse({"messages": [asdict(one) for one in workspace.messages]})

    async def delete(request: Request) -> Response:
        workspace.delete((await instruction(request, DeletionScript)).ts)
        return JSONResponse({"messages": len(workspace.messages)}, 201)

    async def click(request: Request) -> Response:
        script = await instruction(request, ClickScript)
        payload = {
            "type": "block_actions",
            "user": {"id": script.user},
            "actions": [{"type": "button", "action_id": script.action_id, "value": script.value}],
            "response_url": script.response_url or str(request.url.replace(path=replies)),
        }
        body = urlencode({"payload": json.dumps(payload)})
        stamp = str(int(clock.now().timestamp() - script.age_seconds))
        signed = hmac.new(script.secret.encode(), f"v0:{stamp}:{body}".encode(), sha256)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signed.hexdigest()}",
        }
        return JSONResponse({"body": body, "headers": headers}, 201)

    async def reply(request: Request) -> Response:
        workspace.replies_to_clicks.append(await request.json())
        return JSONResponse({"ok": True})

    async def told(request: Request) -> Response:
        _ = request
        return JSONResponse({"replies": workspace.replies_to_clicks})

    path = f"{PREFIX}/slack"
    replies = f"{path}/replies"
    return [
        Route(f"{path}/messages", messages),
        Route(f"{path}/deletions", delete, methods=["POST"]),
        Route(f"{path}/clicks", click, methods=["POST"]),
        Route(replies, reply, methods=["POST"]),
        Route(replies, told),
    ]
