"""Tickets from a spreadsheet: a row each, and every mistake with its line."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.errors import InvalidInput, TooLarge
from shared.intake.body import decode
from shared.intake.fields import plain_name
from shared.intake.manual import NewTicket, new_ticket
from shared.intake.text import one_line

SOURCE = "csv"
MAX_BYTES = 1_048_576
MAX_ROWS = 1_000
MAX_CELL_CHARS = 8_000

COLUMNS = (
    "title",
    "description",
    "severity",
    "environment",
    "service",
    "ci",
    "pipeline",
    "factory",
    "job",
    "workspace",
    "run_id",
    "occurred_at",
)
"""The columns, in the template's order. ``ci`` may hold several names between semicolons."""

TEMPLATE = f"""{",".join(COLUMNS)}
Nightly load is late,Rows are missing since 02:00,high,prod,sales,sql-01;sql-02,,,,,,
Load of orders failed,,critical,prod,sales,,load_orders,adf-sales,,,\
3d1f0000-0000-4000-8000-000000000001,2026-11-20T02:07:11Z
""".replace("\n", "\r\n")
"""What ``GET v1/tickets/upload-csv`` hands out."""

_PLAIN = {plain_name(column): column for column in COLUMNS}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it asks for, or what is wrong with it.

    Attributes:
        line: Where it begins in the file, counted from 1.
    """

    line: int
    asked: NewTicket | None = None
    problem: InvalidInput | None = None


def read_csv(raw: bytes) -> list[Row]:
    """Return every row that is not empty, in its order.

    Columns are found by name whatever their order and case; commas, semicolons or tabs
    stand between them.

    Raises:
        TooLarge: more than 1 MiB or 1,000 rows.
        InvalidInput: no header, an unknown column, none of the name ``title``, or no row.
    """
    if not raw.strip():
        raise InvalidInput("the file is empty; its first line names the columns")
    text = decode(raw, max_bytes=MAX_BYTES)
    first = text.lstrip().splitlines()[0]
    separator = max(",;\t", key=first.count)
    rows = _rows(text, separator)
    line, header = next(rows, (1, []))
    columns = _columns(header, line)
    found: list[Row] = []
    for line, cells in rows:
        if len(found) == MAX_ROWS:
            raise TooLarge(f"more than {MAX_ROWS} rows; send them in several files")
        found.append(_row(line, columns, cells))
    if not found:
        raise InvalidInput("there is no row below the header", field="line 2")
    return found


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield ``(line, cells)`` of rows that have anything in them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InvalidInput(f"line {line}: {error}", field=f"line {line}") from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _columns(header: list[str], line: int) -> list[str]:
    columns = []
    for cell in header:
        name = _PLAIN.get(plain_name(cell.replace(" ", "")))
        if name is None or name in columns:
            what = "is there twice" if name else f"is unknown; known are {', '.join(COLUMNS)}"
            raise InvalidInput(
                f"line {line}: column {one_line(cell, 60)!r} {what}", field=f"line {line}"
            )
        columns.append(name)
    if "title" not in columns:
        raise InvalidInput(f"line {line}: there is no column 'title'", field=f"line {line}")
    return columns


def _row(line: int, columns: list[str], cells: list[str]) -> Row:
    try:
        return Row(line, asked=_asked(columns, cells))
    except InvalidInput as problem:
        return Row(line, problem=problem)


def _asked(columns: list[str], cells: list[str]) -> NewTicket:
    if len(cells) > len(columns):
        raise InvalidInput(
            f"{len(cells)} cells, but the header has {len(columns)}; put quotes around text "
            "with a separator in it"
        )
    fields: dict[str, object] = {}
    for column, cell in zip(columns, cells, strict=False):
        text = cell.strip()
        if len(text) > MAX_CELL_CHARS:
            raise InvalidInput(f"{column}: more than {MAX_CELL_CHARS} characters", field=column)
        if text:
            fields[column] = text
    if "severity" in fields:
        fields["severity"] = str(fields["severity"]).casefold()
    if "ci" in fields:
        names = (name.strip() for name in str(fields["ci"]).split(";"))
        fields["ci"] = [name for name in names if name]
    return new_ticket(fields)
