"""The vault's own controls, beside those that every simulator has.

POST   /_sim/key-vault/secrets    a new version of a secret    SecretScript
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.key_vault.model import Vault
from simulators.key_vault.scripts import SecretScript
from simulators.kit.controls import PREFIX, instruction


def vault_routes(vault: Vault) -> list[Route]:
    """Return the routes of the controls."""

    async def put(request: Request) -> Response:
        version = vault.put(await instruction(request, SecretScript))
        return JSONResponse({"version": version.number}, 201)

    return [Route(f"{PREFIX}/key-vault/secrets", put, methods=["POST"])]
