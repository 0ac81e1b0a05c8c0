"""What is known about a failure, in pieces that can be cited: from the failing part outward.

Every ring around the failure has a size and a number of pieces of its own. What is far from
the failure can be as long and as loud as it likes: it never takes the place of what is near.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from shared.diagnosis.diagnose import shown
from shared.diagnosis.failure import FailureText
from shared.diagnosis.reading import bounded
from shared.domain.alert import Platform
from shared.domain.analysis import Evidence
from shared.domain.run import Observation, StepFailure
from shared.domain.ticket import Ticket

MAX_BUNDLE_CHARS = 20_000
MAX_SHORT_CHARS = 300
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_NUMBER = re.compile(r"\d+")
_CUT_CHARS = 10


class Ring(IntEnum):
    """How far from the failure a piece is; the smaller, the nearer."""

    STEP = 1  # what failed in the run: activities, tasks, clusters, libraries
    RUN = 2
    OUTPUT = 3  # what the failed step has put out
    ATTEMPTS = 4  # what Mend has tried already
    HISTORY = 5  # earlier runs of the same thing
    CHANGE = 6  # when its definition was changed last
    OUTAGE = 7
    SIMILAR = 8  # tickets that looked alike, and how they ended
    ALERT = 9  # the sender's own words: a hint


@dataclass(frozen=True, slots=True)
class Share:
    """How many pieces a ring has at most, and how many characters each of them."""

    pieces: int
    chars: int


SHARES = {
    Ring.STEP: Share(8, 2_000),
    Ring.RUN: Share(1, 1_200),
    Ring.OUTPUT: Share(1, 1_000),
    Ring.ATTEMPTS: Share(3, 300),
    Ring.HISTORY: Share(1, 1_000),
    Ring.CHANGE: Share(1, 300),
    Ring.OUTAGE: Share(1, 300),
    Ring.SIMILAR: Share(3, 300),
    Ring.ALERT: Share(1, 800),
}
EARLIER_RUNS, DEFINITION, OUTAGE = "record.earlier_runs", "record.definition", "platform.outage"
ATTEMPT, SIMILAR, OUTPUT = "mend.attempt", "mend.ticket", "record.output"
OWN_WORDS = frozenset({EARLIER_RUNS, DEFINITION, ATTEMPT, SIMILAR})
"""Sources whose text is made of our own words, times and states: nobody else can write there."""

# What a ticket shows beside the errors themselves.
_CONTEXT = (Ring.CHANGE, Ring.OUTAGE, Ring.SIMILAR)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found out; ``text`` is untrusted and of any length."""

    ring: Ring
    source: str
    text: str


def failure_texts(ticket: Ticket) -> tuple[FailureText, ...]:
    """Put what the system of record said first; the alert's own text is a last resort."""
    seen = ticket.observation or Observation(at=ticket.updated_at)
    texts: list[FailureText] = []
    for failure in seen.failures:
        texts.append(
            FailureText(
                evidence_id=f"e{len(texts) + 1}",
                source=failure.source,
                error_code=failure.error_code,
                message=failure.message,
                activity_type=failure.step_type,
                failure_type=failure.failure_type,
                step=failure.step,
                status="Failed",
            )
        )
    if seen.run is not None and seen.run.message:
        texts.append(
            FailureText(
                evidence_id=f"e{len(texts) + 1}",
                source="adf.pipeline_run" if ticket.platform is Platform.ADF else "databricks.run",
                message=seen.run.message,
            )
        )
    if not texts and ticket.description:
        texts.append(
            FailureText(
                evidence_id="e1", source=f"alert.{ticket.source}", message=ticket.description
            )
        )
    return tuple(texts)


def from_ticket(ticket: Ticket) -> tuple[Found, ...]:
    """Return what the ticket itself knows, each failure once, the innermost cause first."""
    found = list(_steps(ticket))
    run = ticket.observation.run if ticket.observation else None
    if run is not None:
        head = f"{run.name}: {run.status}"
        found.append(Found(Ring.RUN, f"{ticket.platform}.run", _joined(head, run.message)))
    for attempt in ticket.attempts:
        said = f"attempt {attempt.number}: {attempt.action}, {attempt.outcome or attempt.state}"
        found.append(Found(Ring.ATTEMPTS, ATTEMPT, said))
    words = _joined(ticket.title, ticket.description)
    if words:
        found.append(Found(Ring.ALERT, f"alert.{ticket.source}", words))
    return tuple(found)


def bundle(found: Iterable[Found]) -> tuple[Evidence, ...]:
    """Return the pieces with ids ``e1``, ``e2``, ..., redacted, nearest first.

    Within a ring the order of ``found`` stays. What is beyond a ring's share, or beyond
    ``MAX_BUNDLE_CHARS`` in all, is left out.
    """
    taken: dict[Ring, int] = {}
    pieces: list[Evidence] = []
    room = MAX_BUNDLE_CHARS
    for one in sorted(found, key=lambda each: each.ring):
        share = SHARES[one.ring]
        text = fitted(one.text, share.chars)
        if not text.strip() or taken.get(one.ring, 0) >= share.pieces or len(text) > room:
            continue
        taken[one.ring] = taken.get(one.ring, 0) + 1
        room -= len(text)
        source = fitted(one.source, 60)
        pieces.append(Evidence(id=f"e{len(pieces) + 1}", source=source, text=text))
    return tuple(pieces)


def with_context(evidence: Sequence[Evidence], found: Iterable[Found]) -> tuple[Evidence, ...]:
    """Return ``evidence`` and, numbered after it, what surrounds the failure; each short."""
    around = [one for one in sorted(found, key=lambda each: each.ring) if one.ring in _CONTEXT]
    return (
        *evidence,
        *(
            Evidence(
                id=f"e{number}",
                source=fitted(one.source, 60),
                text=fitted(one.text, MAX_SHORT_CHARS),
            )
            for number, one in enumerate(around, len(evidence) + 1)
        ),
    )


def fitted(text: str, chars: int) -> str:
    """Return untrusted ``text`` without secrets, addresses and invisible characters, this short.

    Redacted before it is cut: half a key does not look like one any more.
    """
    safe = _EMAIL.sub("[address]", shown(text))
    return bounded(safe, chars * 2 // 3, chars // 3 - _CUT_CHARS)


def _steps(ticket: Ticket) -> Iterable[Found]:
    """Yield each failure of the run once: a loop fails a thousand times for one reason."""
    alike: dict[str, list[StepFailure]] = {}
    for failure in ticket.observation.failures if ticket.observation else ():
        told = f"{failure.step_type}|{failure.error_code}|{failure.message}"
        alike.setdefault(_NUMBER.sub("0", told), []).append(failure)
    for failures in alike.values():
        first = failures[0]
        head = " ".join(filter(None, (first.step, first.step_type, first.error_code)))
        more = f"(and {len(failures) - 1} more like it)" if len(failures) > 1 else ""
        yield Found(Ring.STEP, first.source, _joined(head, more, first.message))


def _joined(*parts: str) -> str:
    return ": ".join(part for part in parts if part)
