"""GET /api/v1/tickets…: read tickets and their timelines."""

from collections.abc import Mapping
from enum import StrEnum

import azure.durable_functions as df
import azure.functions as func

from shared.container import services
from shared.domain.alert import Platform, Severity
from shared.domain.errors import InvalidInput
from shared.domain.ticket import Status, Ticket
from shared.intake.registry import SOURCES
from shared.ports.tickets import TicketQuery
from triggers.links import links_of
from triggers.problems import answer, answers_problems

bp = df.Blueprint()

_MAX_LIMIT = 200
_CHOICES: dict[str, tuple[str, ...]] = {
    "status": tuple(Status),
    "severity": tuple(Severity),
    "platform": tuple(Platform),
    "source": tuple(SOURCES),
}


@bp.route(route="v1/tickets", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def list_tickets(req: func.HttpRequest) -> func.HttpResponse:
    """Answer one page of tickets, newest first."""
    page = await services().store.search(_query(req.params))
    items = [shown(ticket) for ticket in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@bp.route(route="v1/tickets/{ticket_id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def get_ticket(req: func.HttpRequest) -> func.HttpResponse:
    """Answer one ticket, with its version as ETag."""
    ticket = await services().store.get(req.route_params["ticket_id"])
    etag = f'"{ticket.version}"'
    if req.headers.get("If-None-Match") == etag:
        return func.HttpResponse(status_code=304, headers={"ETag": etag})
    return answer(shown(ticket), headers={"ETag": etag})


@bp.route(
    route="v1/tickets/{ticket_id}/events", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS
)
@answers_problems
async def list_events(req: func.HttpRequest) -> func.HttpResponse:
    """Answer the timeline after ``after``, oldest first."""
    events = await services().store.events(
        req.route_params["ticket_id"],
        after=_number(req.params, "after", default=0, most=10**9),
        limit=_number(req.params, "limit", default=_MAX_LIMIT, most=_MAX_LIMIT, least=1),
    )
    return answer({"items": [event.model_dump(mode="json") for event in events]})


def shown(ticket: Ticket) -> dict[str, object]:
    """Return the ticket as the API shows it."""
    return {**ticket.model_dump(mode="json"), "links": links_of(ticket)}


def _query(params: Mapping[str, str]) -> TicketQuery:
    unknown = set(params) - set(_CHOICES) - {"limit", "cursor"}
    if unknown:
        name = min(unknown)
        raise InvalidInput(f"there is no such filter; use {_listed([*_CHOICES])}", field=name)
    return TicketQuery(
        **{name: _chosen(params, name) for name in _CHOICES},
        limit=_number(params, "limit", default=50, most=_MAX_LIMIT, least=1),
        cursor=params.get("cursor") or None,
    )


def _chosen(params: Mapping[str, str], name: str) -> tuple[str, ...]:
    values = tuple(part.strip() for part in params.get(name, "").split(",") if part.strip())
    for value in values:
        if value not in _CHOICES[name]:
            raise InvalidInput(f"{value!r} is none of {_listed(_CHOICES[name])}", field=name)
    return values


def _number(
    params: Mapping[str, str], name: str, *, default: int, most: int, least: int = 0
) -> int:
    text = params.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 10 or not least <= int(text) <= most:
        raise InvalidInput(f"must be a whole number from {least} to {most}", field=name)
    return int(text)


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(str(name.value if isinstance(name, StrEnum) else name) for name in names)
