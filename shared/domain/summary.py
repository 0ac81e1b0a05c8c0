"""What a person needs to know who takes over a ticket, in a few plain lines."""

from shared.domain.ticket import Ticket

_TEXT_LIMIT = 600


def summary_of(ticket: Ticket, conclusion: str) -> str:
    """Return what failed, why, what was tried and what to do next.

    Args:
        ticket: Its last version before it ends.
        conclusion: Why it ends, in one sentence.
    """
    lines = [f"{ticket.title}.", f"Why this ended here: {conclusion}."]
    lines += _cause(ticket)
    lines += _tried(ticket)
    lines += _meanwhile(ticket)
    return "\n".join(lines)


def _cause(ticket: Ticket) -> list[str]:
    lines = []
    if ticket.analysis is not None:
        analysis = ticket.analysis
        if analysis.root_cause:
            sure = f"{analysis.confidence:.0%} sure, {analysis.signature or analysis.method}"
            lines.append(f"Cause: {analysis.root_cause} ({sure})")
        if analysis.evidence:
            first = analysis.evidence[0]
            lines.append(f"Evidence: [{first.source}] {_shortened(first.text)}")
        lines += [f"Next: {recommendation}" for recommendation in analysis.recommendations]
    return lines


def _tried(ticket: Ticket) -> list[str]:
    if not ticket.attempts:
        return ["Tried: nothing."]
    return [
        f"Tried: attempt {attempt.number}, {attempt.action}, {attempt.state}"
        + (f", run {attempt.external_run_id}" if attempt.external_run_id else "")
        + (f": {_shortened(attempt.error)}" if attempt.error else "")
        for attempt in ticket.attempts
    ]


def _meanwhile(ticket: Ticket) -> list[str]:
    acted_on = {ticket.resource.run_id, ticket.current_run_id}
    acted_on |= {attempt.external_run_id for attempt in ticket.attempts}
    others = [one.run_id for one in ticket.occurrences if one.run_id not in acted_on]
    if not others:
        return []
    return [f"Other runs that failed meanwhile and were not acted on: {', '.join(others)}"]


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _TEXT_LIMIT else flat[: _TEXT_LIMIT - 1] + "…"
