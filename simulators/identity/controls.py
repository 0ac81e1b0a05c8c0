"""The provider's own controls, beside those that every simulator has.

POST   /_sim/identity/tokens       a signed token       TokenScript
POST   /_sim/identity/rotations    a new signing key    RotateScript
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.identity.model import Authority, NoSuchKey
from simulators.identity.scripts import RotateScript, TokenScript
from simulators.kit.controls import PREFIX, instruction


def identity_routes(authority: Authority) -> list[Route]:
    """Return the routes of the controls."""

    async def mint(request: Request) -> Response:
        script = await instruction(request, TokenScript)
        try:
            token = authority.mint(script)
        except NoSuchKey:
            raise HTTPException(409, "key: there is no previous one; rotate first") from None
        body = {"token": token.text, "kid": token.kid, "claims": token.claims}
        return JSONResponse(body, 201)

    async def rotate(request: Request) -> Response:
        script = await instruction(request, RotateScript)
        return JSONResponse({"kids": authority.rotate(keep=script.keep)}, 201)

    path = f"{PREFIX}/identity"
    return [
        Route(f"{path}/tokens", mint, methods=["POST"]),
        Route(f"{path}/rotations", rotate, methods=["POST"]),
    ]
