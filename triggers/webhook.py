"""POST /api/v1/tickets/webhook/{source}: a failure is reported."""

import asyncio
from datetime import UTC, datetime

import azure.durable_functions as df
import azure.functions as func

from shared.container import Services, read_defaults, services
from shared.domain.alert import CANARY
from shared.domain.errors import Unauthenticated
from shared.intake.normalised import Normalised
from shared.intake.registry import known_source, normalise
from shared.security.webhooks import Verified, verify
from shared.settings import settings
from shared.usecases.take_in import Posted
from triggers.problems import answer, answers_problems
from triggers.starter import start

bp = df.Blueprint()
_OPEN = Verified(kid="", delivery_id=None, weak=True)


@bp.route(
    route="v1/tickets/webhook/{source}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
@answers_problems
async def receive_alert(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """Store every alert of the body, then answer 202 with their tickets.

    202 means stored: from here on a crash may delay the remediation, never lose it.
    """
    source, raw, using = req.route_params["source"], req.get_body(), services()
    known_source(source)
    verified = await _verified(source, raw, req, using)
    defaults = await read_defaults(source)

    def read(body: bytes, received_at: datetime) -> Normalised:
        return normalise(source, body, defaults, received_at)

    try:
        taken = await using.take_in(Posted(source, raw, verified.delivery_id or ""), read)
    finally:
        if verified.kid:
            await using.credential_uses.note(source, verified.kid)
    start(taken.opened, client)
    return answer(taken.body, 202)


async def _verified(source: str, raw: bytes, req: func.HttpRequest, using: Services) -> Verified:
    """Return who sent it; what is turned away is counted.

    Raises:
        Unauthenticated: it shows no credential of its source.
    """
    try:
        try:
            return await _verify(source, raw, req)
        except Unauthenticated:
            # Its secret may have been rotated: it is read again, at most twice a minute.
            if not await asyncio.to_thread(settings.refused):
                raise
            return await _verify(source, raw, req)
    except Unauthenticated:
        await using.take_in.refuse(source)
        raise


async def _verify(source: str, raw: bytes, req: func.HttpRequest) -> Verified:
    chosen = settings()
    credentials = (
        chosen.canary_credentials
        if source == CANARY
        else (chosen.webhook_credentials.get(source, ()))
    )
    if not credentials and chosen.mend_auth == "off":
        return _OPEN
    return await verify(credentials, raw, dict(req.headers), datetime.now(UTC))
