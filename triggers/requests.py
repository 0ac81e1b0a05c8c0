"""What handlers read from a request; whatever is wrong with it is a clear refusal."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

import azure.functions as func
from pydantic import BaseModel, ValidationError

from shared.domain.alert import Requester
from shared.domain.errors import (
    InvalidInput,
    PreconditionFailed,
    PreconditionRequired,
    Unauthenticated,
)
from shared.domain.identity import Identity
from shared.domain.model import Model
from shared.intake.body import parse_json
from triggers.access import present

_B = TypeVar("_B", bound=BaseModel)
_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"')
_FOREIGN_ETAG = re.compile(r'(?:W/)?"[!#-~\x80-\xff]*"')  # RFC 9110, entity-tag
_KEY = re.compile(r"[!-~]{1,128}")
MAX_PARAMETER_CHARS = 2_000


class Reason(Model):
    """Why somebody does something."""

    reason: str = ""


def caller(_req: func.HttpRequest) -> str:
    """Return the name of who asks.

    Raises:
        Unauthenticated: nobody has said.
    """
    return person().name


def person() -> Identity:
    """Return who asks.

    Raises:
        Unauthenticated: nobody has said.
    """
    identity = present()
    if identity is None:
        raise Unauthenticated
    return identity


def requester() -> Requester:
    """Return who asks, as a ticket remembers it.

    Raises:
        Unauthenticated: nobody has said.
    """
    who = person()
    return Requester(name=who.name, oid=who.oid)


def json_object(req: func.HttpRequest) -> dict[str, object]:
    """Return the body, which must be a JSON object.

    Raises:
        InvalidInput: it is something else.
    """
    body = parse_json(req.get_body())
    if not isinstance(body, dict):
        raise InvalidInput("must be a JSON object")
    return body


def read_body(req: func.HttpRequest, model: type[_B], *, optional: bool = False) -> _B:
    """Return the body as ``model``; unknown fields are refused.

    Args:
        optional: No body at all stands for an empty object.

    Raises:
        InvalidInput: ``field`` names what is wrong.
    """
    body = {} if optional and not req.get_body().strip() else json_object(req)
    unknown = set(body) - set(model.model_fields)
    if unknown:
        known = ", ".join(model.model_fields)
        raise InvalidInput(f"there is no such field; known are {known}", field=min(unknown))
    return validated(model, body)


def validated(model: type[_B], body: Mapping[str, object]) -> _B:
    """Return ``body`` as ``model``, read as strictly as JSON allows.

    Raises:
        InvalidInput: ``field`` names what is wrong.
    """
    try:
        return model.model_validate_json(json.dumps(body), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        text = first["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"{field}: {text}", field=field) from None


def if_match(req: func.HttpRequest) -> int:
    """Return the version that the caller has seen.

    Raises:
        PreconditionRequired: there is no ``If-Match``.
        PreconditionFailed: it is an ETag, but never was one of ours.
        InvalidInput: it is no ETag.
    """
    given = req.headers.get("If-Match", "").strip()
    if not given:
        raise PreconditionRequired("send If-Match with the ETag of the version that you have seen")
    found = _ETAG.fullmatch(given)
    if found is None and _FOREIGN_ETAG.fullmatch(given):
        raise PreconditionFailed("If-Match names no version of this: read it again")
    if found is None:
        raise InvalidInput("must be an ETag of what you have seen", field="If-Match")
    return int(found[1])


def idempotency_key(req: func.HttpRequest) -> str:
    """Return ``Idempotency-Key``; empty if there is none.

    Raises:
        InvalidInput: it is longer than 128 characters, or not plain ASCII.
    """
    given: str = req.headers.get("Idempotency-Key", "").strip()
    if given and not _KEY.fullmatch(given):
        raise InvalidInput("must be 1 to 128 visible ASCII characters", field="Idempotency-Key")
    return given


def refuse_unknown(params: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Refuse parameters that nobody reads: a mistyped filter must not mean "all".

    Raises:
        InvalidInput: naming the first of them.
    """
    unknown = set(params) - set(known)
    if unknown:
        raise InvalidInput(
            f"there is no such parameter; use {', '.join(known)}", field=min(unknown)
        )


def number(params: Mapping[str, str], name: str, *, default: int, most: int, least: int = 0) -> int:
    """Return a whole number.

    Raises:
        InvalidInput: it is none, or out of range.
    """
    text = params.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 10 or not least <= int(text) <= most:
        raise InvalidInput(f"must be a whole number from {least} to {most}", field=name)
    return int(text)


def chosen(params: Mapping[str, str], name: str, choices: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values of a list with commas between them.

    Raises:
        InvalidInput: one of them is none of ``choices``.
    """
    given = params.get(name, "")
    values = tuple(part.strip() for part in given.split(",")) if given.strip() else ()
    for value in values:
        if value not in choices:
            raise InvalidInput(f"{value!r} is none of {listed(choices)}", field=name)
    return values


def moment(params: Mapping[str, str], name: str) -> datetime | None:
    """Return a time.

    Raises:
        InvalidInput: it is no ISO 8601 time with a time zone.
    """
    text = params.get(name, "").strip()
    if not text:
        return None
    try:
        # A plus sign that was not escaped arrives as a space.
        found = datetime.fromisoformat(re.sub(r" (?=\d\d:?\d\d$)", "+", text))
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            "must be a time such as 2026-11-20T02:07:11Z, or a day", field=name
        ) from None


def text(params: Mapping[str, str], name: str, *, most: int) -> str:
    """Return a text.

    Raises:
        InvalidInput: it is longer than ``most`` characters.
    """
    found = params.get(name, "").strip()
    if len(found) > most:
        raise InvalidInput(f"at most {most} characters", field=name)
    return found


def listed(names: tuple[str, ...]) -> str:
    """Return names for a sentence."""
    return ", ".join(str(name.value if isinstance(name, StrEnum) else name) for name in names)


def matches(req: func.HttpRequest, etag: str) -> bool:
    """Tell whether the caller has this version already (``If-None-Match``)."""
    given = {one.strip() for one in req.headers.get("If-None-Match", "").split(",")}
    return etag in given or "*" in given


def weak_etag(body: bytes) -> str:
    """Return the ETag of a list: another one as soon as anything in it is."""
    return f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
