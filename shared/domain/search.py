"""Free-text search: which words a ticket is found by. Every store agrees on this."""

import re
import unicodedata

from shared.domain.ticket import Ticket

MAX_QUERY_CHARS = 200
_MAX_QUERY_WORDS = 12
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Return the words of ``text``: letters and digits between anything else, case folded."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def query_words(text: str) -> list[str]:
    """Return the words that a ticket must have; each may be the beginning of a longer one."""
    return sorted(set(words(text)))[:_MAX_QUERY_WORDS]


def words_of(ticket: Ticket) -> set[str]:
    """Return all words that find ``ticket``."""
    analysis = ticket.analysis
    runs = [ticket.current_run_id, *(one.run_id for one in ticket.occurrences)]
    runs += [attempt.external_run_id for attempt in ticket.attempts]
    texts = [
        ticket.id,
        ticket.title,
        ticket.description,
        ticket.resource.name,
        ticket.resource.scope,
        ticket.resource.run_id,
        ticket.service,
        ticket.environment,
        ticket.assignee,
        *ticket.ci,
        *runs,
    ]
    if analysis is not None:
        texts += [analysis.root_cause, analysis.signature, analysis.category]
    return {word for text in texts if text for word in words(text)}
