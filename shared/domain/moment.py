"""A time as people and programs write it: RFC 3339, with a time zone, never a number."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator


def _read(value: object) -> object:
    if isinstance(value, datetime):
        return value
    try:
        # A number is seconds to one and milliseconds to another.
        return datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("must be a time such as 2026-11-20T03:00:00Z") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_read)]
"""Refuses what :data:`pydantic.AwareDatetime` reads as seconds since 1970."""
