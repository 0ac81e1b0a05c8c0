"""What a ticket, its events and its errands look like as rows."""

import sqlite3

from shared.domain.audit import AuditEntry, AuditNote
from shared.domain.errors import NotFound
from shared.domain.search import words_of
from shared.domain.ticket import Change, Ticket
from shared.ports.tickets import SEVERITY_RANKS
from shared.stores.cursors import moment

_COLUMNS = (
    "id, body, created_at, status, severity, source, platform, updated_at, rank, classification,"
    " fingerprint, scope, signature, approval, version"
)


def load(db: sqlite3.Connection, ticket_id: str) -> Ticket | None:
    """Return the ticket, or ``None``."""
    row = db.execute("SELECT body FROM tickets WHERE id = ?", (ticket_id,)).fetchone()
    return Ticket.model_validate_json(row[0]) if row else None


def must_load(db: sqlite3.Connection, ticket_id: str) -> Ticket:
    """Return the ticket.

    Raises:
        NotFound: there is none.
    """
    ticket = load(db, ticket_id)
    if ticket is None:
        raise NotFound(f"there is no ticket {ticket_id!r}")
    return ticket


def save(db: sqlite3.Connection, change: Change) -> None:
    """Store the ticket's next version, its events, its errands and what the audit says."""
    ticket = change.ticket
    save_ticket(db, ticket)
    db.executemany(
        "INSERT INTO events VALUES (?, ?, ?)",
        [(ticket.id, event.seq, event.model_dump_json()) for event in change.events],
    )
    db.executemany(
        "INSERT OR IGNORE INTO outbox (ticket_id, item_id, body) VALUES (?, ?, ?)",
        [(ticket.id, item.id, item.model_dump_json()) for item in change.outbox],
    )
    for event in change.events:
        note = AuditNote(actor=event.actor, action=event.type, reason=event.message)
        data = {**event.data, "event": event.seq, "version": ticket.version}
        append(db, AuditEntry.after(newest(db), note, at=event.at, subject=ticket.id, data=data))


def save_ticket(db: sqlite3.Connection, ticket: Ticket) -> None:
    """Store the ticket and what it is found by."""
    analysis = ticket.analysis
    db.execute(
        f"INSERT OR REPLACE INTO tickets ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608 - a constant
        (
            ticket.id,
            ticket.model_dump_json(),
            moment(ticket.created_at),
            ticket.status,
            ticket.severity,
            ticket.source,
            ticket.platform,
            moment(ticket.updated_at),
            str(SEVERITY_RANKS[ticket.severity]),
            analysis.classification if analysis else None,
            ticket.fingerprint,
            ticket.resource.scope,
            analysis.signature if analysis else None,
            ticket.approval.status if ticket.approval else None,
            ticket.version,
        ),
    )
    _save_words(db, ticket)


def _save_words(db: sqlite3.Connection, ticket: Ticket) -> None:
    words = " ".join(sorted(words_of(ticket)))
    row = db.execute(
        "SELECT number, words FROM searchable WHERE ticket_id = ?", (ticket.id,)
    ).fetchone()
    if row is not None and row[1] == words:
        return
    if row is None:
        number = db.execute(
            "INSERT INTO searchable (ticket_id, words) VALUES (?, ?)", (ticket.id, words)
        ).lastrowid
    else:
        number = row[0]
        db.execute("UPDATE searchable SET words = ? WHERE number = ?", (words, number))
        db.execute("DELETE FROM ticket_words WHERE rowid = ?", (number,))
    db.execute("INSERT INTO ticket_words (rowid, words) VALUES (?, ?)", (number, words))


def newest(db: sqlite3.Connection) -> AuditEntry | None:
    """Return the last entry of the audit trail."""
    row = db.execute("SELECT body FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return AuditEntry.model_validate_json(row[0]) if row else None


def append(db: sqlite3.Connection, entry: AuditEntry) -> None:
    """Add an entry to the audit trail."""
    db.execute(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?)",
        (entry.seq, entry.actor, entry.action, entry.subject, entry.model_dump_json()),
    )
