"""What goes into a normaliser beside the body, and what comes out of it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from shared.domain.alert import Alert
from shared.domain.errors import InvalidInput, TooLarge
from shared.domain.model import Model
from shared.intake.fields import Found, read_list
from shared.intake.mapping import GenericMapping

MAX_ALERTS = 500

Item = TypeVar("Item")


class IntakeDefaults(Model):
    """Where an alert lives when it does not say so itself (from the settings)."""

    adf_subscription_id: str | None = None
    adf_resource_group: str | None = None
    adf_factory: str | None = None
    databricks_host: str | None = None
    generic: GenericMapping | None = None  # where the source "generic" finds its fields

    @property
    def databricks_scope(self) -> str:
        """The scope of everything in the default workspace: its host; empty if there is none."""
        host = (self.databricks_host or "").casefold()
        return host.removeprefix("https://").removeprefix("http://").rstrip("/")


class Rejected(Model):
    """One alert of a POST that could not be read; the others were."""

    field: str
    detail: str


class Normalised(Model):
    """Everything one POST said. ``alerts`` is never empty."""

    alerts: tuple[Alert, ...]
    rejected: tuple[Rejected, ...] = ()


Normaliser = Callable[[bytes, IntakeDefaults, datetime], Normalised]


def objects_of(value: object) -> list[Found]:
    """Return the items of a body that is a list, else the body itself, which is one alert."""
    whole = Found(value, "")
    return read_list(whole) if isinstance(value, list) else [whole]


def collect(items: Iterable[Item], read: Callable[[Item], Alert]) -> Normalised:
    """Read alert after alert; a bad one never drops a good one.

    Raises:
        TooLarge: more than 500 alerts in one POST.
        InvalidInput: not one of them could be read.
    """
    alerts: list[Alert] = []
    refusals: list[InvalidInput] = []
    for number, item in enumerate(items, start=1):
        if number > MAX_ALERTS:
            raise TooLarge(f"more than {MAX_ALERTS} alerts in one body")
        try:
            alerts.append(read(item))
        except InvalidInput as error:
            refusals.append(error)
    if not alerts:
        raise _none(refusals)
    return Normalised(
        alerts=tuple(alerts),
        rejected=tuple(Rejected(field=error.field, detail=str(error)) for error in refusals),
    )


def _none(refusals: list[InvalidInput]) -> InvalidInput:
    if not refusals:
        return InvalidInput("the body holds no alert")
    first = refusals[0]
    if len(refusals) == 1:
        return first
    return InvalidInput(
        f"none of the {len(refusals)} alerts could be read; the first: {first}",
        field=first.field,
    )
