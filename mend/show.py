"""Answers as tables and sentences. What comes from outside is text here, never a command."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

Body = dict[str, Any]
_PIPE_WIDTH = 200  # where nobody looks at a screen, lines are not broken


def console(*, error: bool = False) -> Console:
    """Return where to print; words are printed as they are."""
    found = Console(stderr=error, markup=False, emoji=False, highlight=False)
    return found if found.is_terminal else Console(
        stderr=error, markup=False, emoji=False, highlight=False, width=_PIPE_WIDTH
    )  # fmt: skip


def plain(value: object) -> str:
    """Return ``value`` for people; control characters could make a terminal do things."""
    if value is None or value == "":
        return "-"
    if isinstance(value, float):
        return f"{value:.2f}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return "".join(one if one.isprintable() else " " for one in text)


def table(out: Console, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print rows, or that there are none."""
    found = Table(*columns, header_style="bold")
    for row in rows:
        found.add_row(*(plain(value) for value in row))
    if found.row_count:
        out.print(found)
    else:
        out.print("none")


def facts(out: Console, pairs: Iterable[tuple[str, object]]) -> None:
    """Print names and what they are, leaving out what nobody knows."""
    grid = Table.grid(padding=(0, 2))
    for name, value in pairs:
        if value not in (None, "", []):
            grid.add_row(name, plain(value))
    out.print(grid)


def moment(value: object) -> str:
    """Return a time of the API, to the second."""
    return str(value or "")[:19].replace("T", " ")


def tickets(out: Console, body: Body) -> None:
    """Print a page of tickets."""
    table(
        out,
        ("ticket", "opened (UTC)", "severity", "status", "outcome", "what"),
        (
            (
                one["id"],
                moment(one["created_at"]),
                one["severity"],
                one["status"],
                one.get("outcome"),
                one["title"],
            )
            for one in body["items"]
        ),
    )
    if body.get("next_cursor"):
        out.print("there are more; see --limit and the filters")


def story(out: Console, ticket: Body, events: list[Body]) -> None:
    """Print a ticket and what happened to it, in order."""
    analysis, decision = ticket.get("analysis") or {}, ticket.get("decision") or {}
    approval = ticket.get("approval") or {}
    facts(
        out,
        (
            ("ticket", ticket["id"]),
            ("what", ticket["title"]),
            ("status", f"{ticket['status']}, {ticket.get('outcome') or 'no outcome yet'}"),
            ("severity", ticket["severity"]),
            ("environment", ticket.get("environment")),
            ("target", ticket["resource"]["name"]),
            ("cause", analysis.get("root_cause")),
            ("confidence", analysis.get("confidence")),
            ("decision", decision.get("outcome")),
            ("policy", _policy(decision)),
            ("question", _question(approval)),
        ),
    )
    table(
        out,
        ("at (UTC)", "what", "by", "in words"),
        ((moment(one["at"]), one["type"], one["actor"], one["message"]) for one in events),
    )


def _policy(decision: Body) -> str:
    if not decision:
        return ""
    version = decision.get("settings_version", 0)
    return f"rules {decision['policy_version']}, settings version {version}"


def _question(approval: Body) -> str:
    return f"{approval['id']}, {approval['status']}" if approval else ""


def approvals(out: Console, body: Body) -> None:
    """Print what waits for people."""
    table(
        out,
        ("approval", "ticket", "action", "target", "risk", "until (UTC)", "cause"),
        (
            (
                one["id"],
                one["ticket_id"],
                one["action"],
                one["target"],
                one["risk"],
                moment(one.get("expires_at")),
                one["root_cause"],
            )
            for one in body["items"]
        ),
    )


def decided(out: Console, body: Body) -> None:
    """Print how a question stands after somebody's word."""
    what = f"{body['action']} of {body['target']}, {body['risk']} risk"
    out.print(plain(f"{body['id']}: {body['status']} ({what}; ticket {body['ticket_id']})"))


def mode(out: Console, body: Body) -> None:
    """Print the execution mode."""
    out.print(f"{body['mode']}, confidence threshold {body['confidence_threshold']}")


def switches(out: Console, body: Body) -> None:
    """Print the kill switch and those of narrower scope."""
    table(
        out,
        ("kill switch", "is", "why"),
        (
            (one["scope"], "on" if one["on"] else "off", one["reason"])
            for one in (body, *body.get("others", ()))
        ),
    )


def replay(out: Console, body: Body) -> None:
    """Print which decisions would change."""
    totals = body["totals"]
    table(
        out,
        ("ticket", "decided at (UTC)", "was", "would be", "because"),
        (
            (one["ticket_id"], moment(one["at"]), one["before"], one["after"],
             "; ".join(one["because"]))
            for one in body["changes"]
        ),
    )  # fmt: skip
    for one in body["mismatches"]:
        out.print(plain(f"{one['ticket_id']} at {moment(one['at'])}: {one['problem']}"))
    out.print(
        f"{totals['changed']} of {totals['decisions']} decisions about {totals['tickets']} "
        f"tickets would change; {totals['replayed']} records replay to the byte, "
        f"{totals['mismatches']} do not"
    )
    if body["not_judged"]:
        out.print(plain(f"not judged, no record tells of it: {', '.join(body['not_judged'])}"))
    if body["more"]:
        out.print("there are more tickets in that time; raise limit in the file")


def verified(out: Console, body: Body) -> None:
    """Print whether the audit trail is whole."""
    head = body["head"]
    out.print("the trail is whole" if body["whole"] else plain(f"NOT WHOLE: {body['problem']}"))
    out.print(f"entries {body['entries']}, head {head['seq']}:{head['hash']}")


def dead_letters(out: Console, body: Body) -> None:
    """Print deliveries of which something is left over."""
    table(
        out,
        ("delivery", "from", "received (UTC)", "state", "tries", "why"),
        (
            (
                one["id"],
                one["source"],
                moment(one["received_at"]),
                one["state"],
                one["tries"],
                one["reason"],
            )
            for one in body["items"]
        ),
    )


def received(out: Console, body: Body) -> None:
    """Print what became of a delivery that was driven again."""
    out.print(f"{body['accepted']} accepted")
    for one in body["tickets"]:
        out.print(plain(f"{one['ticket_id']}: {one['disposition']}"))
    for one in body.get("rejected", ()):
        out.print(plain(f"rejected: {one['field']}: {one['detail']}"))


def stopping(out: Console, body: Body) -> None:
    """Print how a ticket stands after somebody asked to stop."""
    how = "it has ended" if body.get("closed_at") else "it stops after what is under way"
    out.print(plain(f"{body['id']}: {body['status']}; {how}"))


def requested(out: Console, body: Body) -> None:
    """Print how a ticket stands after somebody asked for an action."""
    asked = (body.get("requested") or {}).get("action") or "an action"
    out.print(plain(f"{body['id']}: {body['status']}; {asked} is asked for, policy decides"))


def problem(out: Console, document: Body) -> None:
    """Print what went wrong."""
    status = f"HTTP {document['status']}, " if document.get("status") else ""
    text = document.get("detail") or document.get("title")
    out.print(plain(f"error: {text} ({status}{document.get('code', 'unknown')})"))
    fields = [one for one in document.get("errors") or [] if isinstance(one, dict)]
    for one in fields:
        out.print(plain(f"  {one.get('field')}: {one.get('detail')}"))
