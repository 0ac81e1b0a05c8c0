"""GET /api/v1/audit…: who did what, when and why, and whether that is still what was written."""

import re

import azure.durable_functions as df
import azure.functions as func

from shared.container import services
from shared.domain.audit import Head
from shared.domain.errors import InvalidInput
from shared.ports.audit import AuditQuery
from shared.usecases.verify_audit import verify_audit
from triggers.problems import answer, answers_problems
from triggers.requests import number, refuse_unknown, text

bp = df.Blueprint()

_MAX_LIMIT = 500
_HEAD = re.compile(r"(\d{1,15}):([0-9a-f]{64})", re.ASCII)


@bp.route(route="v1/audit", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def list_audit(req: func.HttpRequest) -> func.HttpResponse:
    """Answer entries after ``after``, oldest first; ``next_after`` continues."""
    refuse_unknown(req.params, ("subject", "actor", "action", "after", "limit"))
    limit = number(req.params, "limit", default=100, most=_MAX_LIMIT, least=1)
    found = await services().store.audit(
        AuditQuery(
            subject=text(req.params, "subject", most=200),
            actor=text(req.params, "actor", most=200),
            action=text(req.params, "action", most=200),
            after=number(req.params, "after", default=0, most=10**10 - 1),
            limit=limit + 1,
        )
    )
    items = [entry.model_dump(mode="json") for entry in found[:limit]]
    return answer(
        {"items": items, "next_after": found[limit - 1].seq if len(found) > limit else None}
    )


@bp.route(route="v1/audit/verify", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def verify_trail(req: func.HttpRequest) -> func.HttpResponse:
    """Answer whether the trail is whole; ``head`` is one that was noted before."""
    refuse_unknown(req.params, ("head",))
    found = await verify_audit(services().store, noted=_head(req.params.get("head", "")))
    return answer(found.model_dump(mode="json"))


def _head(given: str) -> Head | None:
    if not given:
        return None
    match = _HEAD.fullmatch(given.strip())
    if match is None:
        raise InvalidInput("must be SEQ:HASH as an earlier answer gave them", field="head")
    return Head(seq=int(match[1]), hash=match[2])
