"""The activity behind ``context.call_http``: one request, answered as the extension does."""

import json
from typing import Any

from localhost.durable.records import Task


class CannotCall(Exception):
    """The request asks for something this host does not have."""


async def call_http(task: Task) -> str:
    """Send the request in ``task`` and return the response as JSON text.

    Raises:
        CannotCall: it needs a managed identity.
        httpx.HTTPError: nobody answered.
    """
    import httpx

    request: dict[str, Any] = json.loads(task.input_text or "[{}]")[0]
    if request.get("tokenSource"):
        raise CannotCall("this host has no managed identity for a tokenSource")
    headers = dict(request.get("headers") or {})
    if request.get("content") is not None:
        headers.setdefault("Content-Type", "text/plain")
    async with httpx.AsyncClient(follow_redirects=True) as client:
        response = await client.request(
            str(request.get("method") or "GET"),
            str(request["uri"]),
            headers=headers,
            content=request.get("content"),
        )
    return json.dumps(
        {
            "statusCode": response.status_code,
            "headers": dict(response.headers),
            "content": response.text,
        }
    )
