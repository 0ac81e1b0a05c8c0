"""Starlette and uvicorn with an empty answer: what the web server alone can do."""

import sys

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


async def empty(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once."""
    await Request(scope, receive).body()
    await Response(status_code=200)(scope, receive, send)


if __name__ == "__main__":
    uvicorn.run(empty, port=int(sys.argv[1]), log_level="critical", lifespan="off", ws="none")
