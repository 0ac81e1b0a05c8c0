"""What has to be true of the data after a rerun, as its owner says it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from statistics import median
from typing import Self

from pydantic import Field, JsonValue, model_validator

from shared.domain.model import Model

MIN_EARLIER = 3
"""With fewer earlier runs there is no median to compare with."""
_MILLISECONDS = 1e11  # a number of seconds as large is the year 5138


class CheckKind(StrEnum):
    """What is measured."""

    ROWS = "rows"  # how many were written
    FRESHNESS = "freshness"  # when the newest of them is from
    DUPLICATES = "duplicates"  # how many keys are there more than once


class DataCheck(Model):
    """One measure and its bounds.

    Attributes:
        output: Where the measure is in the run's own output: a step's name, then the way into
            its output, such as ``Copy orders.rowsCopied``.
        sql: Or a query with one value, run on the SQL ``warehouse`` (its id) of the default
            Databricks workspace.
        at_least: Fewest rows. Without it, rows are compared with earlier runs.
        share_of_median: Fewest rows as a share of the median of earlier runs.
        max_age_minutes: How old the newest data may be.
        most: Most duplicate keys.
    """

    name: str = Field(min_length=1, max_length=100)
    kind: CheckKind
    output: str = Field(default="", max_length=400)
    sql: str = Field(default="", max_length=8_000)
    warehouse: str = Field(default="", max_length=100)
    at_least: float | None = Field(default=None, ge=0)
    share_of_median: float = Field(default=0.5, gt=0, le=1)
    max_age_minutes: float | None = Field(default=None, gt=0)
    most: float = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.output) is bool(self.sql):
            raise ValueError("must have either output or sql")
        if self.sql and not self.warehouse:
            raise ValueError("sql needs a warehouse")
        if self.output and not all(self.way):
            raise ValueError("output must be a step's name and a way into its output: step.field")
        if self.kind is CheckKind.FRESHNESS and self.max_age_minutes is None:
            raise ValueError("freshness needs max_age_minutes")
        if self.compares and self.sql:
            raise ValueError("rows by sql need at_least: there are no earlier runs of a query")
        return self

    @property
    def way(self) -> tuple[str, str]:
        """Return the step's name, which may have dots, and the field or way in its output."""
        step, _, field = self.output.partition(".")
        return step, field

    @property
    def compares(self) -> bool:
        """Tell whether earlier runs are needed."""
        return self.kind is CheckKind.ROWS and self.at_least is None


class Finding(Model):
    """What a check came to; ``holds`` is ``None`` when that cannot be told."""

    check: str
    holds: bool | None
    text: str


def value_at(output: JsonValue, way: str) -> JsonValue:
    """Return what is at ``way`` (names and positions with dots between); ``None``: nothing."""
    here = output
    for part in way.split("."):
        if isinstance(here, str):  # a notebook's result is text with JSON in it
            try:
                here = json.loads(here)
            except ValueError:
                return None
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    return here


def number_of(value: JsonValue) -> float | None:
    """Return a number, also from its text; ``None``: it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def judge(check: DataCheck, value: JsonValue, earlier: Sequence[float], now: datetime) -> Finding:
    """Return what ``value`` means for ``check``.

    Args:
        earlier: The same measure of earlier successful runs, if the check compares.
    """
    if check.kind is CheckKind.FRESHNESS:
        return _fresh(check, _moment_of(value), now)
    number = number_of(value)
    if number is None:
        return Finding(check=check.name, holds=None, text=f"{check.name}: no number was found")
    if check.kind is CheckKind.DUPLICATES:
        text = f"{check.name}: {number:g} duplicate keys, {check.most:g} allowed"
        return Finding(check=check.name, holds=number <= check.most, text=text)
    least, why = check.at_least, "the least"
    if least is None:
        if len(earlier) < MIN_EARLIER:
            text = f"{check.name}: {number:g} rows, and too few earlier runs to compare with"
            return Finding(check=check.name, holds=True, text=text)
        least = check.share_of_median * median(earlier)
        why = f"{check.share_of_median:.0%} of the usual {median(earlier):g}"
    text = f"{check.name}: {number:g} rows, {least:g} is {why}"
    return Finding(check=check.name, holds=number >= least, text=text)


def _fresh(check: DataCheck, newest: datetime | None, now: datetime) -> Finding:
    if newest is None or check.max_age_minutes is None:
        return Finding(check=check.name, holds=None, text=f"{check.name}: no time was found")
    age = (now - newest).total_seconds() / 60
    text = f"{check.name}: the newest is {age:.0f} min old, {check.max_age_minutes:g} allowed"
    return Finding(check=check.name, holds=age <= check.max_age_minutes, text=text)


def _moment_of(value: JsonValue) -> datetime | None:
    """Return a time from ISO 8601 text, or from seconds or milliseconds since 1970."""
    number = number_of(value)
    try:
        if number is not None:
            return datetime.fromtimestamp(number / (1000 if number > _MILLISECONDS else 1), UTC)
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
