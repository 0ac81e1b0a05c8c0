"""A time as people and programs write it: RFC 3339, with a time zone, never a number."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator


def _is_written_out(value: object) -> object:
    # A number is seconds to one and milliseconds to another.
    if isinstance(value, datetime) or (isinstance(value, str) and value.count("-") >= 2):
        return value
    raise ValueError("must be a time such as 2026-11-20T03:00:00Z")


Moment = Annotated[AwareDatetime, BeforeValidator(_is_written_out)]
"""Refuses what :data:`pydantic.AwareDatetime` reads as seconds since 1970."""
