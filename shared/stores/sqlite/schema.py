"""The tables, and how a file of an earlier release gets them."""

import sqlite3
from pathlib import Path

from shared.domain.errors import Unavailable
from shared.domain.ticket import Ticket
from shared.stores.sqlite.rows import save_ticket

# What to run to reach each version from the one before.
_STEPS = {
    1: """
CREATE TABLE tickets (
  id TEXT PRIMARY KEY, body TEXT NOT NULL, created_at TEXT NOT NULL,
  status TEXT NOT NULL, severity TEXT NOT NULL, source TEXT NOT NULL, platform TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX tickets_newest ON tickets (created_at DESC, id DESC);
CREATE TABLE events (
  ticket_id TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (ticket_id, seq)
) WITHOUT ROWID;
CREATE TABLE outbox (
  position INTEGER PRIMARY KEY, ticket_id TEXT NOT NULL, item_id TEXT NOT NULL,
  body TEXT NOT NULL, UNIQUE (ticket_id, item_id)
);
CREATE TABLE claims (
  kind TEXT NOT NULL, key TEXT NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE settings (
  name TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID
""",
    2: """
CREATE TABLE sends (
  key TEXT PRIMARY KEY, scope TEXT NOT NULL, target TEXT NOT NULL, action TEXT NOT NULL,
  at TEXT NOT NULL, ended_at TEXT, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sends_newest ON sends (at);
CREATE INDEX sends_of_target ON sends (scope, target, at);
CREATE INDEX sends_of_action ON sends (action, at);
CREATE INDEX sends_ended ON sends (scope, ended_at);
CREATE INDEX tickets_place ON tickets (
  json_extract(body, '$.resource.scope'), json_extract(body, '$.resource.name') COLLATE NOCASE
)
""",
    3: """
ALTER TABLE tickets ADD COLUMN updated_at TEXT NOT NULL DEFAULT '';
ALTER TABLE tickets ADD COLUMN rank TEXT NOT NULL DEFAULT '';
ALTER TABLE tickets ADD COLUMN classification TEXT;
ALTER TABLE tickets ADD COLUMN fingerprint TEXT;
ALTER TABLE tickets ADD COLUMN scope TEXT;
ALTER TABLE tickets ADD COLUMN signature TEXT;
ALTER TABLE tickets ADD COLUMN approval TEXT;
ALTER TABLE tickets ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tickets_latest ON tickets (updated_at DESC, id DESC);
CREATE INDEX tickets_most_severe ON tickets (rank DESC, id DESC);
CREATE INDEX tickets_of_fingerprint ON tickets (fingerprint, created_at DESC);
CREATE INDEX tickets_counted ON tickets (
  status, severity, source, platform, classification, created_at
);
CREATE INDEX tickets_with_approval ON tickets (approval, updated_at DESC)
  WHERE approval IS NOT NULL;
CREATE INDEX tickets_of_signature ON tickets (scope, signature, created_at DESC);
CREATE INDEX tickets_told ON tickets (updated_at, version, source);
CREATE TABLE told (
  channel TEXT NOT NULL, ticket_id TEXT NOT NULL, version INTEGER NOT NULL, next_at TEXT,
  body TEXT NOT NULL, PRIMARY KEY (channel, ticket_id)
) WITHOUT ROWID;
CREATE TABLE searchable (
  number INTEGER PRIMARY KEY, ticket_id TEXT NOT NULL UNIQUE, words TEXT NOT NULL
);
CREATE VIRTUAL TABLE ticket_words USING fts5 (words, tokenize = 'ascii');
CREATE TABLE deliveries (
  id TEXT PRIMARY KEY, source TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL,
  settled_at TEXT, body TEXT NOT NULL, UNIQUE (source, key)
) WITHOUT ROWID;
CREATE INDEX deliveries_in_state ON deliveries (state, id DESC);
CREATE TABLE intake_counts (
  source TEXT NOT NULL, hour TEXT NOT NULL,
  received INTEGER NOT NULL, opened INTEGER NOT NULL, duplicate INTEGER NOT NULL,
  ignored INTEGER NOT NULL, rejected INTEGER NOT NULL, dead_lettered INTEGER NOT NULL,
  PRIMARY KEY (source, hour)
) WITHOUT ROWID;
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX audit_of_subject ON audit (subject, seq);
CREATE INDEX audit_of_actor ON audit (actor, seq);
CREATE INDEX audit_of_action ON audit (action, seq)
""",
}
_NEWEST = max(_STEPS)
# Not in the steps above, which are cut at semicolons.
_APPEND_ONLY = """
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
--
CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
"""


def bring_up_to_date(db: sqlite3.Connection, path: Path) -> None:
    """Give the file every table of this release, in one transaction.

    Raises:
        Unavailable: a newer release has written it.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _version(db, path)
        for step in range(version + 1, _NEWEST + 1):
            for statement in _STEPS[step].split(";"):
                db.execute(statement)
        if version < _NEWEST:
            for statement in _APPEND_ONLY.split("--"):
                db.execute(statement)
            _fill_new_columns(db)
            db.execute(f"PRAGMA user_version = {_NEWEST}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _version(db: sqlite3.Connection, path: Path) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > _NEWEST:
        raise Unavailable(
            f"the store at {path} was written by a newer release (schema {version}); "
            "start that release, or choose another data folder"
        )
    return int(version)


def _fill_new_columns(db: sqlite3.Connection) -> None:
    for (body,) in db.execute("SELECT body FROM tickets").fetchall():
        save_ticket(db, Ticket.model_validate_json(body))
