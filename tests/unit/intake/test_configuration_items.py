"""Servers are found where they are named, and not where they are not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.intake.configuration_items import MAX_ITEMS, Inventory, InventoryItem, Where, extract

INVENTORY = Inventory(
    items=(
        InventoryItem(name="SQL-PROD-01", aliases=("orders database", "sqlprod01")),
        InventoryItem(name="edge"),
    )
)


def names(text: str = "", **more: object) -> list[str]:
    """Return the names that are found."""
    fields: dict[str, object] = {"inventory": INVENTORY, "text": text, **more}
    return [item.name for item in extract(**fields)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cannot reach sql-prod-01.", ["SQL-PROD-01"]),
        ("SQLPROD01 and sql-prod-01 are one", ["SQL-PROD-01"]),
        ("the Orders Database is full", ["SQL-PROD-01"]),
        ("the edge of the table", ["edge"]),
        ("knowledge about hedges", []),
        ("Server: web-07 is down", ["web-07"]),
        ("host=app01.corp.internal refused", ["app01.corp.internal"]),
        ("node 'worker-3' left", ["worker-3"]),
        ("login to orders.database.windows.net failed", ["orders.database.windows.net"]),
        ("see https://adb-1.2.azuredatabricks.net/?o=1", ["adb-1.2.azuredatabricks.net"]),
        ("the server is down", []),
        ("host not-found", []),
        ("timeout after 30 s on retry 2", []),
        ("", []),
    ],
)
def test_text(text: str, found: list[str]) -> None:
    """By the inventory anywhere, by its looks only behind a word that says what it is."""
    assert names(text) == found


def test_the_surest_comes_first() -> None:
    """Fields of that meaning, then the service, then words; each once."""
    found = extract(
        metadata=["db7", "SQLPROD01"],
        service="edge",
        text="server web-07, db7 and edge",
        inventory=INVENTORY,
    )
    assert [(item.name, item.where, item.known) for item in found] == [
        ("db7", Where.METADATA, False),
        ("SQL-PROD-01", Where.METADATA, True),
        ("edge", Where.SERVICE, True),
        ("web-07", Where.TEXT, False),
    ]


@pytest.mark.parametrize(("service", "found"), [("sales", []), ("sap-erp-02", ["sap-erp-02"])])
def test_a_service_is_a_server_only_if_it_looks_so(service: str, found: list[str]) -> None:
    """A department is no machine."""
    assert names(service=service) == found


@given(st.text(max_size=300))
def test_any_text_gives_a_bounded_list(text: str) -> None:
    """Never an error, never an empty or endless name."""
    for item in extract(text=text, service=text, metadata=[text], inventory=INVENTORY):
        assert 0 < len(item.name) <= 260
    assert len(names(" ".join(f"server host-{number}" for number in range(50)))) == MAX_ITEMS


@pytest.mark.parametrize("unit", ["host ", "a.", "a-", "server:::", "x1.windows.net.", "-a.b"])
def test_the_time_grows_with_the_length_only(unit: str) -> None:
    """Hostile text costs no more than its length."""
    begun = time.process_time()
    names(unit * 8_000)
    assert time.process_time() - begun < 1.0
