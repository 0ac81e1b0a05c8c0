"""Tickets by the thousand, written straight into a store before a host opens it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.domain.alert import Platform, Resource, Severity
from shared.domain.analysis import Action, Analysis, Category, Classification, Evidence, Risk
from shared.domain.attempt import Attempt, AttemptState
from shared.domain.decision import Decision, Effect, Reason
from shared.domain.event import Event
from shared.domain.ticket import Change, Occurrence, Outcome, Sla, Status, Ticket
from shared.stores.sqlite import SqliteStore

MANY = 10_000
_ENDS = (
    (Status.RESOLVED, Outcome.RESOLVED_MANUALLY),
    (Status.ESCALATED, Outcome.NOT_REMEDIABLE),
    (Status.CLOSED, Outcome.CANCELLED),
)

_HANDLERS = (
    "onerror",
    "onload",
    "onclick",
    "onmouseover",
    "onfocus",
    "ontoggle",
    "onbegin",
    "onanimationstart",
    "onpageshow",
    "onwheel",
    "onpointerdown",
    "onmouseenter",
    "oncanplay",
)
_TAGS = (
    "<img src=x {0}={1}>",
    "<svg {0}={1}>",
    "<body {0}={1}>",
    "<details open {0}={1}>",
    "<input autofocus {0}={1}>",
    "<video src=x {0}={1}>",
    "<iframe src=x {0}={1}>",
    "<svg><animate {0}={1} attributeName=x dur=1s>",
    '"><a href="#" {0}={1}>x</a>',
    "'><marquee {0}={1}>x</marquee>",
)
_HIT = "window.__xss=1"
_OTHERS = (
    f"<script>{_HIT}</script>",
    f"</script><script>{_HIT}</script>",
    f"<scr<script>ipt>{_HIT}</scr</script>ipt>",
    f"<SCRIPT>{_HIT}</SCRIPT>",
    f"<svg><script>{_HIT}</script></svg>",
    f"<math><mtext></form><form><mglyph><style></math><img src=x onerror={_HIT}>",
    f"[link](javascript:{_HIT})",
    f"![image](javascript:{_HIT})",
    f"<a href='javascript:{_HIT}'>link</a>",
    f"<a href='data:text/html,<script>{_HIT}</script>'>link</a>",
    f"javascript:{_HIT}",
    f"javascript:/*--></title></style></textarea></script><svg/onload='{_HIT}'>",
    f"{{{{constructor.constructor('{_HIT}')()}}}}",
    f"${{{_HIT}}}",
    f"<%= {_HIT} %>",
    f"#{{{_HIT}}}",
    f"<style>@import 'javascript:{_HIT}';</style>",
    "<style>*{background:url(/xss)}</style>",
    "<link rel=stylesheet href=/xss>",
    "<base href=//xss.invalid/>",
    "<meta http-equiv=refresh content='0;url=/xss'>",
    f"<object data='javascript:{_HIT}'>",
    f"<embed src='javascript:{_HIT}'>",
    f"<form action='javascript:{_HIT}'><button>x</button></form>",
    f"<isindex type=image src=x onerror={_HIT}>",
)


def _variants(text: str) -> tuple[str, ...]:
    return (text, text.replace("<", "&lt;", 1), text.replace(" ", "/"), text.upper())


def payloads() -> list[str]:
    """Return two hundred texts that are something else to a careless page."""
    made = [tag.format(handler, _HIT) for tag in _TAGS for handler in _HANDLERS]
    made += [variant for text in _OTHERS for variant in _variants(text)]
    return list(dict.fromkeys(made))[:200]


def _resource(name: str) -> Resource:
    return Resource(
        platform=Platform.ADF, scope="/factories/adf-retail", kind="pipeline", name=name
    )


def one_of_many(number: int, now: datetime) -> Change:
    """Return a ticket that ended; the higher ``number``, the older."""
    at = now - timedelta(minutes=number + 60)
    status, outcome = _ENDS[number % len(_ENDS)]
    severity = tuple(Severity)[number % 5]
    ticket = Ticket(
        id=f"TIK-20260101-{number:06d}",
        status=status,
        outcome=outcome,
        severity=severity,
        source="adf",
        platform=Platform.ADF,
        title=f"Pipeline load_{number:05d} failed",
        resource=_resource(f"load_{number:05d}"),
        fingerprint=f"{number:032d}",
        sla=Sla(target_minutes=60),
        created_at=at,
        updated_at=at,
        closed_at=at,
        last_seq=1,
    )
    event = Event(seq=1, at=at, type="ticket.opened", message="it failed")
    return Change(ticket, (event,))


def hostile(number: int, text: str, now: datetime) -> Change:
    """Return a ticket of which every free text is ``text``."""
    ticket = Ticket(
        id=f"TIK-20260202-{number:06d}",
        status=Status.ESCALATED,
        outcome=Outcome.NOT_REMEDIABLE,
        severity=Severity.CRITICAL,
        source="adf",
        platform=Platform.ADF,
        title=text,
        description=text,
        summary=text,
        environment=text,
        service=text,
        ci=(text,),
        resource=Resource(
            platform=Platform.ADF, scope=text, kind="pipeline", name=text, run_id=text
        ),
        fingerprint=f"f{number:031d}",
        occurrences=(Occurrence(run_id=text, at=now),),
        duplicate_count=1,
        notes=(text,),
        assignee=text,
        closed_by=text,
        parent_id=text,
        analysis=Analysis(
            classification=Classification.TRUE_POSITIVE,
            confidence=0.5,
            category=Category.CODE_BUG,
            signature=f"hostile-{number}",
            root_cause=text,
            recommendations=(text,),
            evidence=(Evidence(id="e1", source=text, text=text),),
            action=Action.RERUN_PIPELINE,
            risk=Risk.LOW,
        ),
        decision=Decision(
            outcome=Effect.ESCALATE,
            action=Action.RERUN_PIPELINE,
            risk=Risk.LOW,
            reasons=(Reason(rule="mode", verdict="escalate", text=text),),
            policy_version="1",
            input_hash="0" * 64,
        ),
        attempts=(
            Attempt(
                number=1,
                key="k" * 64,
                action=Action.RERUN_PIPELINE,
                state=AttemptState.FAILED,
                target=text,
                reference_run_id=text,
                external_run_id=text,
                started_at=now,
                ended_at=now,
                error=text,
            ),
        ),
        sla=Sla(target_minutes=60),
        created_at=now,
        updated_at=now,
        closed_at=now,
        last_seq=1,
    )
    event = Event(
        seq=1, at=now, type="ticket.opened", actor=text, message=text, data={"text": text}
    )
    return Change(ticket, (event,))


def fill(path: Path, *, many: int = MANY) -> None:
    """Write ``many`` tickets, and hostile ones that hold all payloads."""

    async def work() -> None:
        store, now = SqliteStore(path), datetime.now(UTC)
        changes = [one_of_many(number, now) for number in range(many)]
        made = payloads()
        for number in range(0, len(made), 20):
            changes += [hostile(number, "\n".join(made[number : number + 20]), now)]
        for start in range(0, len(changes), 500):
            await asyncio.gather(*(store.create(one) for one in changes[start : start + 500]))
        await store.close()

    asyncio.run(work())
