"""Tries one connection: how far a cheap read comes, and what to do where it ends."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus

from pydantic import AwareDatetime

from shared.domain.errors import ConnectorError, MendError, NotConfigured
from shared.domain.model import Model
from shared.ports.clock import Clock
from shared.ports.connections import Connection

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0
ANSWERS, SIGNS_IN, READS = "answers", "signs_in", "reads"
_STEPS = (ANSWERS, SIGNS_IN, READS)


class ConnectionShown(Model):
    """A connection as people see it: where it leads and what is shown there, never a secret."""

    name: str
    title: str
    where: str
    credential: str
    settings: tuple[str, ...]
    reads: str


class Check(Model):
    """One step of a try; ``ok`` is null where it was not taken."""

    name: str
    ok: bool | None
    detail: str = ""
    advice: str = ""


class Tried(Model):
    """How far a try came."""

    name: str
    ok: bool
    at: AwareDatetime
    latency_ms: int
    checks: tuple[Check, ...]


def shown(connection: Connection) -> ConnectionShown:
    """Return what people may see of ``connection``."""
    return ConnectionShown(
        name=connection.name,
        title=connection.title,
        where=connection.where,
        credential=connection.credential,
        settings=connection.settings,
        reads=connection.reads,
    )


async def try_connection(
    connection: Connection,
    clock: Clock,
    hide: Callable[[str], str],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Tried:
    """Read something small there.

    Args:
        hide: Takes secrets out of a text; other systems quote what they were sent.
    """
    began = clock.now()
    failed, said, advice = "", "", ""
    try:
        async with asyncio.timeout(patience_seconds):
            said = await connection.reach()
    except TimeoutError:
        failed, said = ANSWERS, f"no answer within {patience_seconds:g} s"
        advice = _unreachable(connection)
    except MendError as error:
        failed, advice = _meaning(error, connection)
        said = str(error)
    except Exception as error:
        logger.exception("connection %s", connection.name)
        failed, said = ANSWERS, f"it cannot be asked: {type(error).__name__}"
        advice = "The log of this app has the details."
    took = clock.now() - began
    return Tried(
        name=connection.name,
        ok=not failed,
        at=began,
        latency_ms=max(0, round(took.total_seconds() * 1000)),
        checks=_checks(failed, hide(said), advice, shows=connection.shows),
    )


def _checks(failed: str, said: str, advice: str, *, shows: bool) -> tuple[Check, ...]:
    """Return all steps: those before ``failed`` went well, those after it were not taken."""
    if failed:
        at = _STEPS.index(failed)
        end = Check(name=failed, ok=False, detail=said, advice=advice)
    else:
        at = len(_STEPS) - 1 if shows else 0
        end = Check(name=_STEPS[at], ok=True, detail=said)
    before = (Check(name=step, ok=True) for step in _STEPS[:at])
    after = (Check(name=step, ok=None) for step in _STEPS[at + 1 :])
    return (*before, end, *after)


def _meaning(error: MendError, connection: Connection) -> tuple[str, str]:
    """Return the step that failed, and what to do about it."""
    names = " and ".join(connection.settings)
    if isinstance(error, NotConfigured):
        return READS, f"Set {names}; the message says what to."
    status = error.status if isinstance(error, ConnectorError) else None
    known = {
        HTTPStatus.UNAUTHORIZED: (SIGNS_IN, f"Not accepted: renew it ({connection.credential})."),
        HTTPStatus.FORBIDDEN: (
            READS,
            f"It knows who asks, and does not allow it. Give it {connection.role or 'the right'}.",
        ),
        HTTPStatus.TOO_MANY_REQUESTS: (READS, "It is throttling; try again in a minute."),
    }
    if status in known:
        return known[HTTPStatus(status)]
    if status is None:
        return ANSWERS, _unreachable(connection)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ANSWERS, "It is reached, and in trouble itself; try again later."
    return READS, f"It answers, but has not got what is asked for: look at {names}."


def _unreachable(connection: Connection) -> str:
    names = " and ".join(connection.settings)
    return f"Look at {names}, and whether this network may reach {connection.where}."
