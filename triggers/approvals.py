"""GET and POST /api/v1/approvals…: what waits for people, and what they say."""

import logging

import azure.durable_functions as df
import azure.functions as func
from pydantic import ConfigDict, Field

from shared.container import services
from shared.domain.analysis import Risk
from shared.domain.approval import Approval, ApprovalStatus, DecisionWord
from shared.domain.errors import Forbidden, InvalidInput, MendError, PlanChanged
from shared.domain.identity import Role
from shared.domain.model import Model
from shared.domain.ticket import Status, Ticket
from shared.ports.tickets import Order, TicketQuery
from shared.usecases.approvals import (
    MAX_REASON_CHARS,
    Answer,
    decide_approval,
    delegate_approval,
    find_approval,
)
from shared.usecases.take_back_approval import take_back_approval
from triggers.access import present
from triggers.problems import answer, answers_problems, as_problem
from triggers.requests import (
    MAX_PARAMETER_CHARS,
    Reason,
    caller,
    chosen,
    number,
    person,
    read_body,
    refuse_unknown,
    text,
)

bp = df.Blueprint()
logger = logging.getLogger(__name__)

MAX_AT_ONCE = 50
MAX_LIMIT = 200
_CHALLENGE_CHARS = 4
DECIDED = "decided"
LINK_HOLDER = "link holder"


class Said(Model):
    """What a person says about a question, and which plan they have seen."""

    decision: DecisionWord
    reason: str = Field(default="", max_length=MAX_REASON_CHARS)
    plan_hash: str | None = Field(default=None, max_length=64)


class SaidOfOne(Said):
    """The same, one of many."""

    id: str = Field(max_length=100)


class SaidOfMany(Model):
    """Up to 50 at once; each has a result of its own."""

    items: tuple[SaidOfOne, ...] = Field(min_length=1, max_length=MAX_AT_ONCE)


class HandOn(Model):
    """Who may decide as well."""

    to: str = Field(min_length=1, max_length=200)
    reason: str = Field(default="", max_length=MAX_REASON_CHARS)


class ByToken(Model):
    """A link's token. Without a decision it only shows what is asked.

    ``challenge``: the last four characters of the ticket's id, typed in by a person: programs
    that follow links click on buttons too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str = Field(max_length=2_000)
    decision: DecisionWord | None = None
    reason: str = Field(default="", max_length=MAX_REASON_CHARS)
    challenge: str = Field(default="", max_length=20)
    plan_hash: str | None = Field(default=None, max_length=64)


@bp.route(route="v1/approvals", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def list_approvals(req: func.HttpRequest) -> func.HttpResponse:
    """Answer questions, the newest first: what waits, or what was decided."""
    refuse_unknown(req.params, ("status", "limit", "cursor"))
    wanted = chosen(req.params, "status", tuple(ApprovalStatus))
    limit = number(req.params, "limit", default=50, most=MAX_LIMIT, least=1)
    page = await services().store.search(
        TicketQuery(
            approval=wanted or tuple(ApprovalStatus),
            order=Order.LATEST_CHANGE,
            limit=limit,
            cursor=text(req.params, "cursor", most=MAX_PARAMETER_CHARS) or None,
        )
    )
    items = [shown(one.approval, one) for one in page.items if one.approval is not None]
    return answer({"items": items, "next_cursor": page.next_cursor})


@bp.route(route="v1/approvals/{approval_id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def get_approval(req: func.HttpRequest) -> func.HttpResponse:
    """Answer one question with its plan and the evidence."""
    found, ticket = await find_approval(req.route_params["approval_id"], services().store)
    return answer(shown(found, ticket))


@bp.route(
    route="v1/approvals/{approval_id}/decision",
    methods=["POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
@bp.durable_client_input(client_name="client")
@answers_problems
async def decide_one(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """Take one person's word; of several at the same instant exactly one gets through."""
    said, using = read_body(req, Said), services()
    word = _word(said)
    decided = await decide_approval(req.route_params["approval_id"], word, using.store, using.clock)
    await tell(decided, client)
    return answer(shown(decided, await using.store.get(decided.ticket_id)))


@bp.route(
    route="v1/approvals/{approval_id}/delegate",
    methods=["POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
@answers_problems
async def hand_on(req: func.HttpRequest) -> func.HttpResponse:
    """Let somebody else decide as well."""
    asked, using = read_body(req, HandOn), services()
    found = await delegate_approval(
        req.route_params["approval_id"],
        asked.to,
        by=caller(req),
        store=using.store,
        clock=using.clock,
        reason=asked.reason,
    )
    return answer(shown(found, await using.store.get(found.ticket_id)))


@bp.route(
    route="v1/approvals/{approval_id}/take-back",
    methods=["POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
@answers_problems
async def take_back(req: func.HttpRequest) -> func.HttpResponse:
    """Make a yes none, as long as nothing has been sent for it; people are asked again."""
    asked, using, who = read_body(req, Reason), services(), person()
    found = await take_back_approval(
        req.route_params["approval_id"],
        asked.reason,
        by=who.name,
        oid=who.oid,
        store=using.store,
        clock=using.clock,
    )
    return answer(shown(found, await using.store.get(found.ticket_id)))


@bp.route(route="v1/approvals/decisions", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
@answers_problems
async def decide_many(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """Take one person's word about several questions; each has a result of its own."""
    asked, using, results = read_body(req, SaidOfMany), services(), []
    for said in asked.items:
        word = _word(said)
        result: dict[str, object] = {"id": said.id}
        try:
            decided = await decide_approval(said.id, word, using.store, using.clock)
        except MendError as error:
            result |= {"status": error.http_status, "problem": as_problem(error)}
        else:
            await tell(decided, client)
            result |= {"status": 200, "approval": _plain(decided)}
        results.append(result)
    return answer({"items": results})


@bp.route(route="v1/approvals/by-token", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
@answers_problems
async def decide_by_token(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """Show what a link asks; with a decision and the typed challenge, take it."""
    asked, using = read_body(req, ByToken), services()
    claims = using.approval_links.read(asked.token, using.clock.now())
    found, ticket = await find_approval(claims.approval_id, using.store)
    if claims.ticket_id != ticket.id:
        raise Forbidden("this link is not good, or not any more; ask for a new one")
    if asked.decision is None:
        return answer(shown(found, ticket))
    if asked.challenge.strip().casefold() != ticket.id[-_CHALLENGE_CHARS:].casefold():
        raise InvalidInput(
            f"type the last {_CHALLENGE_CHARS} characters of the ticket's id", field="challenge"
        )
    if asked.plan_hash not in {None, claims.plan_hash}:
        raise PlanChanged("the plan is another one by now; read it again before you decide")
    who, oid = _holder(claims.approver, found.plan.risk)
    signed_in = present()
    until = signed_in.until if signed_in else None
    word = Answer(asked.decision, who, asked.reason, claims.plan_hash, "link", oid, until)
    decided = await decide_approval(found.id, word, using.store, using.clock)
    await tell(decided, client)
    return answer(shown(decided, await using.store.get(ticket.id)))


def _word(said: Said) -> Answer:
    who = person()
    return Answer(
        said.decision,
        who.name,
        said.reason,
        said.plan_hash,
        oid=who.oid,
        proven_until=who.until,
    )


def _holder(approver: str, risk: Risk) -> tuple[str, str]:
    """Return name and id of who decides: whoever is signed in; the link itself proves no name.

    Raises:
        Forbidden: nobody is, and the risk is not low; or who is may not decide.
    """
    who = present()
    if who is None:
        if risk is not Risk.LOW:
            raise Forbidden(f"the risk is {risk}: sign in to decide; a link alone is not enough")
        return LINK_HOLDER, ""
    who.require(Role.APPROVER)
    return f"{who.name} (link of {approver})" if approver else f"{who.name} (link)", who.oid


async def tell(decided: Approval, client: df.DurableOrchestrationClient) -> None:
    """Wake the orchestration that waits. A hint only: it looks by itself as well."""
    if decided.status is ApprovalStatus.PENDING:
        return
    try:
        await client.raise_event(f"ask-{decided.id}", DECIDED, {"approval_id": decided.id})
    except Exception:
        logger.exception("the waiting orchestration was not woken; it looks by itself")


def shown(approval: Approval, ticket: Ticket) -> dict[str, object]:
    """Return a question as the API shows it: with the plan, the cause and the evidence."""
    analysis = ticket.analysis
    evidence = analysis.evidence if analysis else ()
    return {
        **_plain(approval),
        "title": ticket.title,
        "severity": ticket.severity,
        "environment": ticket.environment,
        "root_cause": analysis.root_cause if analysis else "",
        "confidence": analysis.confidence if analysis else None,
        "evidence": [one.model_dump(mode="json") for one in evidence],
        "can_be_decided": ticket.status is Status.AWAITING_APPROVAL
        and approval.status is ApprovalStatus.PENDING,
    }


def _plain(approval: Approval) -> dict[str, object]:
    return {
        **approval.model_dump(mode="json"),
        "action": approval.plan.action,
        "target": approval.plan.target,
        "risk": approval.plan.risk,
        "approvers": [one.to for one in approval.delegations],
    }
