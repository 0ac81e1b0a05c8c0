"""Finding tickets: every store finds the same ones, in the same order."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alert import Severity
from shared.domain.analysis import Analysis, Classification
from shared.domain.errors import InvalidInput
from shared.domain.search import query_words, words, words_of
from shared.ports.tickets import Order, TicketQuery
from shared.stores.sqlite import SqliteStore
from tests.contract.stores import Store
from tests.support.builders import NOW, a_resource, a_ticket, an_opening

TITLES = {
    "A": "Pipeline load_orders failed in adf-sales",
    "B": "Pipeline load_customers failed in adf-sales",
    "C": "Größe überschritten: Job NIGHTLY-churn",
}


async def fill(store: Store) -> None:
    """Store three tickets, a minute apart, the last one first in severity."""
    severities = {"A": Severity.LOW, "B": Severity.HIGH, "C": Severity.CRITICAL}
    for number, (name, title) in enumerate(TITLES.items()):
        at = NOW + timedelta(minutes=number)
        opening = an_opening(f"TIK-20261120-00000{name}", at)
        ticket = opening.ticket.model_copy(
            update={
                "title": title,
                "severity": severities[name],
                "resource": a_resource(f"thing{number}", f"run-{number}"),
                "fingerprint": name * 32,
                "source": "canary" if name == "C" else "adf",
            }
        )
        await store.create(replace(opening, ticket=ticket))


def names(page: tuple[object, ...]) -> str:
    """Return the last letters of the tickets' ids, in order."""
    return "".join(str(getattr(ticket, "id", ""))[-1] for ticket in page)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("orders", "A"),
        ("ORD", "A"),
        ("rders", ""),
        ("load adf", "BA"),
        ("load_cust", "B"),
        ("grösse", "C"),
        ("GRÖSSE über", "C"),
        ("00000B", "B"),
        ("run-1", "B"),
        ("thing2 churn", "C"),
        ("thing2 orders", ""),
        ('"; DROP TABLE tickets; --', ""),
        ("nothing* OR load", ""),
        ("!!!", ""),
        ("", "CBA"),
    ],
)
async def test_each_word_begins_a_word_of_the_ticket(store: Store, text: str, found: str) -> None:
    """Text is words, never a query language."""
    await fill(store)
    assert names((await store.search(TicketQuery(text=text))).items) == found


async def test_what_changes_is_found_by_its_new_words_only(store: Store) -> None:
    """The words follow the ticket."""
    await fill(store)
    await store.update(
        "TIK-20261120-00000A",
        lambda one: one.changed(NOW, "test", "renamed", title="now about invoices"),
    )
    assert names((await store.search(TicketQuery(text="invoices"))).items) == "A"
    assert names((await store.search(TicketQuery(text="orders"))).items) == ""


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (Order.NEWEST, "CBA"),
        (Order.OLDEST, "ABC"),
        (Order.MOST_SEVERE, "CBA"),
        (Order.LEAST_SEVERE, "ABC"),
        (Order.LATEST_CHANGE, "ACB"),
        (Order.EARLIEST_CHANGE, "BCA"),
    ],
)
async def test_pages_keep_the_order(store: Store, order: Order, found: str) -> None:
    """One by one the tickets come in the order that was asked for, each once."""
    await fill(store)
    await store.update(
        "TIK-20261120-00000A",
        lambda one: one.changed(NOW + timedelta(hours=1), "test", "touched"),
    )
    seen, cursor = "", None
    for _ in TITLES:
        page = await store.search(TicketQuery(order=order, limit=1, cursor=cursor))
        seen, cursor = seen + names(page.items), page.next_cursor
    assert (seen, cursor) == (found, None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (TicketQuery(since=NOW + timedelta(minutes=1)), "CB"),
        (TicketQuery(until=NOW + timedelta(minutes=1)), "A"),
        (TicketQuery(severity=("low", "critical")), "CA"),
        (TicketQuery(except_source=("canary",)), "BA"),
        (TicketQuery(fingerprint=("B" * 32,)), "B"),
        (TicketQuery(scope=("elsewhere",)), ""),
        (TicketQuery(source=("adf",), severity=("high",)), "B"),
    ],
)
async def test_filters_narrow(store: Store, query: TicketQuery, found: str) -> None:
    """All of them hold at once; facets count the same tickets."""
    await fill(store)
    assert names((await store.search(query)).items) == found
    facets = await store.facets(query)
    assert sum(facets["status"].values()) == len(found)


async def test_analysis_is_searched_and_counted(store: Store) -> None:
    """Cause, signature and classification belong to what a ticket is found by."""
    await fill(store)
    analysis = Analysis(
        classification=Classification.TRUE_POSITIVE,
        signature="sql-connection-timeout",
        root_cause="The firewall dropped it.",
    )
    await store.update(
        "TIK-20261120-00000B",
        lambda one: one.changed(NOW, "test", "analysed", analysis=analysis),
    )
    for query in (
        TicketQuery(text="firewall"),
        TicketQuery(signature=("sql-connection-timeout",)),
        TicketQuery(classification=("true_positive",)),
    ):
        assert names((await store.search(query)).items) == "B"
    assert (await store.facets(TicketQuery()))["classification"] == {"true_positive": 1}
    assert (await store.facets(TicketQuery()))["severity"] == {"critical": 1, "high": 1, "low": 1}


async def test_a_cursor_fits_only_its_own_query(store: Store) -> None:
    """Order, text and times belong to the query as filters do."""
    await fill(store)
    cursor = (await store.search(TicketQuery(limit=1))).next_cursor
    for other in (
        TicketQuery(cursor=cursor, order=Order.OLDEST),
        TicketQuery(cursor=cursor, text="load"),
        TicketQuery(cursor=cursor, since=NOW),
        TicketQuery(cursor=cursor, except_source=("canary",)),
    ):
        with pytest.raises(InvalidInput):
            await store.search(other)


@given(st.text(max_size=40))
def test_a_word_finds_what_it_was_taken_from(title: str) -> None:
    """Any text whatever is found by each of its own words, and by their beginnings."""
    found = words_of(a_ticket().model_copy(update={"title": title}))
    for word in words(title):
        assert word in found
        assert query_words(word) == [word]


async def test_a_file_of_an_earlier_release_is_brought_up_to_date(tmp_path: Path) -> None:
    """Tickets of schema 2 are found by their words and counted afterwards."""
    path = tmp_path / "mend.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "CREATE TABLE tickets (id TEXT PRIMARY KEY, body TEXT NOT NULL, created_at TEXT NOT"
            " NULL, status TEXT NOT NULL, severity TEXT NOT NULL, source TEXT NOT NULL,"
            " platform TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE events (ticket_id TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT"
            " NULL, PRIMARY KEY (ticket_id, seq)) WITHOUT ROWID;"
            "CREATE TABLE outbox (position INTEGER PRIMARY KEY, ticket_id TEXT NOT NULL, item_id"
            " TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (ticket_id, item_id));"
            "CREATE TABLE claims (kind TEXT NOT NULL, key TEXT NOT NULL, holder TEXT NOT NULL,"
            " PRIMARY KEY (kind, key)) WITHOUT ROWID;"
            "CREATE TABLE settings (name TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT"
            " NULL) WITHOUT ROWID; PRAGMA user_version = 2;"
        )
        ticket = an_opening().ticket
        db.execute(
            "INSERT INTO tickets VALUES (?, ?, ?, 'open', 'high', 'adf', 'adf')",
            (ticket.id, ticket.model_dump_json(), ticket.created_at.isoformat()),
        )
        db.commit()
    store = SqliteStore(path)
    assert (await store.search(TicketQuery(text="customer"))).items == (ticket,)
    assert (await store.facets(TicketQuery()))["severity"] == {"high": 1}
    await store.close()
