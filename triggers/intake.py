"""GET and POST /api/v1/intake/…: what came in, what is left over, and that nothing got lost."""

from datetime import datetime, timedelta

import azure.durable_functions as df
import azure.functions as func

from shared.container import intake_defaults, read_defaults, services
from shared.domain.audit import AuditNote
from shared.domain.delivery import Delivery, DeliveryState, IntakeCounts
from shared.domain.errors import IllegalTransition
from shared.intake import csv_upload, manual
from shared.intake.normalised import Normalised
from shared.intake.registry import SOURCES, normalise
from shared.settings import settings
from shared.usecases.take_in import Read
from triggers.problems import answer, answers_problems
from triggers.requests import Reason, caller, number, read_body, refuse_unknown, text
from triggers.starter import start

bp = df.Blueprint()

_LEFT_OVER = (DeliveryState.DEAD, DeliveryState.REJECTED)
_MAX_LIMIT = 200
_MAX_HOURS = 31 * 24


@bp.route(route="v1/intake/counts", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def count_alerts(req: func.HttpRequest) -> func.HttpResponse:
    """Answer per source and hour what was received and what became of it."""
    refuse_unknown(req.params, ("hours",))
    using = services()
    hours = number(req.params, "hours", default=24, most=_MAX_HOURS, least=1)
    counted = await using.store.intake_counts(using.clock.now() - timedelta(hours=hours - 1))
    total = IntakeCounts()
    items = []
    for one in counted:
        total = total.plus(one.counts)
        hour = one.model_dump(mode="json", include={"source", "hour"})
        items.append({**hour, **_numbers(one.counts)})
    return answer({"items": items, "total": _numbers(total)})


@bp.route(route="v1/intake/credentials", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def list_credentials(req: func.HttpRequest) -> func.HttpResponse:
    """Answer which credentials senders may show, by name, and when each was last shown."""
    refuse_unknown(req.params, ())
    listed = [
        (source, one.kid or one.kind, one.kind)
        for source, credentials in settings().webhook_credentials.items()
        for one in credentials
    ]
    uses = await services().credential_uses.of(listed)
    return answer({"items": [one.model_dump(mode="json") for one in uses]})


@bp.route(route="v1/intake/dead-letters", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def list_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    """Answer deliveries of which something is left over, newest first, without their bodies."""
    refuse_unknown(req.params, ("limit", "cursor"))
    limit = number(req.params, "limit", default=50, most=_MAX_LIMIT, least=1)
    before = text(req.params, "cursor", most=100) or None
    found = await services().store.deliveries(_LEFT_OVER, limit=limit + 1, before=before)
    items = [_shown(one, with_body=False) for one in found[:limit]]
    return answer({"items": items, "next_cursor": found[limit - 1].id if found[limit:] else None})


@bp.route(
    route="v1/intake/deliveries/{delivery_id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS
)
@answers_problems
async def get_delivery(req: func.HttpRequest) -> func.HttpResponse:
    """Answer one delivery with its body, from which secrets have been removed."""
    delivery = await services().store.delivery(req.route_params["delivery_id"])
    return answer(_shown(delivery, with_body=True))


@bp.route(
    route="v1/intake/dead-letters/{delivery_id}/redrive",
    methods=["POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
@bp.durable_client_input(client_name="client")
@answers_problems
async def redrive_dead_letter(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """Deal once more with what is left over, say after a mapping was mended."""
    using, asked = services(), read_body(req, Reason, optional=True)
    delivery = await using.store.delivery(req.route_params["delivery_id"])
    note = AuditNote(actor=caller(req), action="delivery.redriven", reason=asked.reason)
    taken = await using.take_in.redrive(delivery.id, await reader_of(delivery), note)
    start(taken.opened, client)
    return answer(taken.body, 202)


@bp.route(
    route="v1/intake/dead-letters/{delivery_id}/discard",
    methods=["POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
@answers_problems
async def discard_dead_letter(req: func.HttpRequest) -> func.HttpResponse:
    """Take a delivery off the list: somebody has looked at it, and it needs nothing."""
    asked = read_body(req, Reason, optional=True)
    note = AuditNote(actor=caller(req), action="delivery.discarded", reason=asked.reason)
    delivery = await services().take_in.discard(req.route_params["delivery_id"], note)
    return answer(_shown(delivery, with_body=False))


async def reader_of(delivery: Delivery) -> Read:
    """Return how the body of ``delivery`` is read.

    Raises:
        IllegalTransition: nobody could: it was a file that a person has to send again.
    """
    source, own = delivery.source, intake_defaults(settings())
    if source == csv_upload.SOURCE or source not in {*SOURCES, manual.SOURCE}:
        raise IllegalTransition(f"a delivery of {source} cannot be read again; send it again")
    defaults = await read_defaults(source)

    def read(body: bytes, received_at: datetime) -> Normalised:
        if source == manual.SOURCE:
            return manual.normalised(manual.read_new_ticket(body), own, received_at)
        return normalise(source, body, defaults, received_at)

    return read


def _numbers(counts: IntakeCounts) -> dict[str, int]:
    return {**counts.model_dump(), "unaccounted": counts.unaccounted}


def _shown(delivery: Delivery, *, with_body: bool) -> dict[str, object]:
    hidden = {"key", "taken", "requested_by"} | (set() if with_body else {"body"})
    return delivery.model_dump(mode="json", exclude=hidden)
