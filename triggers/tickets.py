"""GET /api/v1/tickets…: read tickets and their timelines."""

import json
from collections.abc import Mapping

import azure.durable_functions as df
import azure.functions as func

from shared.container import services
from shared.domain.alert import CANARY, Platform, Severity
from shared.domain.analysis import Classification
from shared.domain.errors import InvalidInput
from shared.domain.search import MAX_QUERY_CHARS
from shared.domain.ticket import Status, Ticket
from shared.intake import csv_upload, manual
from shared.intake.registry import SOURCES
from shared.ports.tickets import Order, TicketQuery
from triggers.links import links_of
from triggers.problems import answer, answers_problems
from triggers.requests import (
    MAX_PARAMETER_CHARS,
    chosen,
    listed,
    matches,
    moment,
    number,
    refuse_unknown,
    text,
    weak_etag,
)

bp = df.Blueprint()

MAX_LIMIT = 200
CHOICES: dict[str, tuple[str, ...]] = {
    "status": tuple(Status),
    "severity": tuple(Severity),
    "source": (*SOURCES, manual.SOURCE, csv_upload.SOURCE),
    "platform": tuple(Platform),
    "classification": tuple(Classification),
}
"""The filters that take a list, and what may stand in it."""

FILTERS = (*CHOICES, "from", "to", "q")


@bp.route(route="v1/tickets", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def list_tickets(req: func.HttpRequest) -> func.HttpResponse:
    """Answer one page of tickets, newest first unless ``sort`` says otherwise."""
    refuse_unknown(req.params, (*FILTERS, "sort", "limit", "cursor"))
    page = await services().store.search(_query(req.params))
    items = [shown(ticket) for ticket in page.items]
    return _listed(req, {"items": items, "next_cursor": page.next_cursor})


@bp.route(route="v1/tickets/facets", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def count_tickets(req: func.HttpRequest) -> func.HttpResponse:
    """Answer how many tickets there are per status, severity, ... under the same filters."""
    refuse_unknown(req.params, FILTERS)
    facets = await services().store.facets(_query(req.params))
    return _listed(req, {"total": sum(facets["status"].values()), **facets})


@bp.route(route="v1/tickets/{ticket_id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def get_ticket(req: func.HttpRequest) -> func.HttpResponse:
    """Answer one ticket, with its version as ETag."""
    ticket = await services().store.get(req.route_params["ticket_id"])
    etag = f'"{ticket.version}"'
    if matches(req, etag):
        return func.HttpResponse(status_code=304, headers={"ETag": etag})
    return answer(shown(ticket), headers={"ETag": etag})


@bp.route(
    route="v1/tickets/{ticket_id}/events", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS
)
@answers_problems
async def list_events(req: func.HttpRequest) -> func.HttpResponse:
    """Answer the timeline after ``after``, oldest first."""
    refuse_unknown(req.params, ("after", "limit"))
    events = await services().store.events(
        req.route_params["ticket_id"],
        after=number(req.params, "after", default=0, most=10**9),
        limit=number(req.params, "limit", default=MAX_LIMIT, most=MAX_LIMIT, least=1),
    )
    return answer({"items": [event.model_dump(mode="json") for event in events]})


def shown(ticket: Ticket) -> dict[str, object]:
    """Return the ticket as the API shows it."""
    return {**ticket.model_dump(mode="json"), "links": links_of(ticket)}


def _listed(req: func.HttpRequest, body: object) -> func.HttpResponse:
    raw = json.dumps(body, ensure_ascii=False).encode()
    headers = {"ETag": weak_etag(raw), "Cache-Control": "private, no-cache"}
    if matches(req, headers["ETag"]):
        return func.HttpResponse(status_code=304, headers=headers)
    return func.HttpResponse(raw, headers=headers, mimetype="application/json")


def _query(params: Mapping[str, str]) -> TicketQuery:
    filters = {name: chosen(params, name, choices) for name, choices in CHOICES.items()}
    return TicketQuery(
        **filters,
        # Our own proof of life is nobody's ticket, unless somebody asks for it.
        except_source=() if filters["source"] else (CANARY,),
        since=moment(params, "from"),
        until=moment(params, "to"),
        text=text(params, "q", most=MAX_QUERY_CHARS),
        order=_order(params),
        limit=number(params, "limit", default=50, most=MAX_LIMIT, least=1),
        cursor=text(params, "cursor", most=MAX_PARAMETER_CHARS) or None,
    )


def _order(params: Mapping[str, str]) -> Order:
    given = params.get("sort", "").strip() or Order.NEWEST
    if given not in tuple(Order):
        raise InvalidInput(f"{given!r} is none of {listed(tuple(Order))}", field="sort")
    return Order(given)
