"""Leave alone for a while what has failed again and again: it may be on its knees.

Per system and place, a factory or a workspace: after five failures in a row within a minute
nothing is asked there for half a minute; then one call goes, and its end decides for the others.
Whoever is turned away is told when to come again, as by a system that throttles, and waits.

Kept in memory: a process that starts afresh needs five failures to know as much.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeVar, cast

from shared.domain.alert import Resource
from shared.domain.errors import ConnectorError, OutcomeUnknown, Transient
from shared.ports.clock import Clock

logger = logging.getLogger(__name__)

FAILURES = 5
WITHIN = timedelta(seconds=60)
PAUSE = timedelta(seconds=30)

_C = TypeVar("_C")


class Breaker:
    """Of one system at one place."""

    def __init__(self, system: str, place: str, clock: Clock) -> None:
        self._system = system
        self._place = place
        self._clock = clock
        self._failed_at: deque[datetime] = deque(maxlen=FAILURES)
        self._closed_until: datetime | None = None
        self._probing = False

    async def call(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Return what ``ask`` returns, if it may be asked now.

        Raises:
            Transient: it may not, and was not; with the seconds until it may.
        """
        probes = self._admit()
        try:
            answer = await ask()
        except ConnectorError as error:
            if _is_failure(error):
                self._failed()
            else:
                self._worked()
            raise
        else:
            self._worked()
            return answer
        finally:
            if probes:
                self._probing = False

    def _admit(self) -> bool:
        """Let pass, or raise; tell whether it is the one call that finds out."""
        if self._closed_until is None:
            return False
        left = (self._closed_until - self._clock.now()).total_seconds()
        if left > 0 or self._probing:
            wait = max(left, 1.0)
            raise Transient(
                self._system,
                f"has failed {FAILURES} times in a row and is left alone for {wait:.0f} s",
                retry_after_seconds=wait,
            )
        self._probing = True
        return True

    def _failed(self) -> None:
        now = self._clock.now()
        self._failed_at.append(now)
        often = len(self._failed_at) == FAILURES and now - self._failed_at[0] <= WITHIN
        if often or self._closed_until is not None:
            if self._closed_until is None:
                logger.warning("%s at %s is left alone for now", self._system, self._place)
            self._closed_until = now + PAUSE

    def _worked(self) -> None:
        if self._closed_until is not None:
            logger.warning("%s at %s answers again", self._system, self._place)
        self._failed_at.clear()
        self._closed_until = None


def _is_failure(error: ConnectorError) -> bool:
    """Tell whether the system itself is unwell. Who is refused or throttled was heard."""
    if not isinstance(error, Transient | OutcomeUnknown):
        return False
    return error.status is None or (
        error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or error.status == HTTPStatus.REQUEST_TIMEOUT
    )


class _Guarded:
    """A connector all of whose calls name their resource first."""

    def __init__(self, connector: Any, system: str, clock: Clock) -> None:
        self._connector = connector
        self._system = system
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connector, name)

        def call(*args: Any, **named: Any) -> Awaitable[Any]:
            if not args or not isinstance(args[0], Resource):
                return cast("Awaitable[Any]", found(*args, **named))
            return self._breaker(args[0].scope).call(lambda: found(*args, **named))

        return call

    def _breaker(self, place: str) -> Breaker:
        key = place.casefold()
        if key not in self._breakers:
            self._breakers[key] = Breaker(self._system, place, self._clock)
        return self._breakers[key]


def guarded(connector: _C, system: str, clock: Clock) -> _C:
    """Return ``connector`` behind a breaker per place."""
    return cast("_C", _Guarded(connector, system, clock))
