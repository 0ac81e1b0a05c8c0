"""The provider's own controls, beside those that every simulator has.

POST   /_sim/identity/tokens         a signed token            TokenScript
POST   /_sim/identity/rotations      a new signing key         RotateScript
PUT    /_sim/identity/applications   an app, or how it is now  ApplicationScript
PUT    /_sim/identity/people         somebody, or as above     PersonScript
POST   /_sim/identity/revocations    no renewals any more      RevokeScript
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.identity.directory import Directory
from simulators.identity.model import Authority, NoSuchKey
from simulators.identity.scripts import (
    ApplicationScript,
    PersonScript,
    RevokeScript,
    RotateScript,
    TokenScript,
)
from simulators.kit.controls import PREFIX, instruction


def identity_routes(authority: Authority, directory: Directory) -> list[Route]:
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

    async def register(request: Request) -> Response:
        app = await instruction(request, ApplicationScript)
        directory.applications[app.client_id] = app
        return JSONResponse({"client_id": app.client_id})

    async def invite(request: Request) -> Response:
        person = await instruction(request, PersonScript)
        directory.people[person.username] = person
        return JSONResponse({"username": person.username})

    async def revoke(request: Request) -> Response:
        script = await instruction(request, RevokeScript)
        return JSONResponse({"revoked": directory.revoke(script.username)}, 201)

    path = f"{PREFIX}/identity"
    return [
        Route(f"{path}/tokens", mint, methods=["POST"]),
        Route(f"{path}/rotations", rotate, methods=["POST"]),
        Route(f"{path}/applications", register, methods=["PUT"]),
        Route(f"{path}/people", invite, methods=["PUT"]),
        Route(f"{path}/revocations", revoke, methods=["POST"]),
    ]
