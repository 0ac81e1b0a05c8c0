"""What operators allow: numbers and names that rules look at. Versioned when stored."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import Field

from shared.domain.analysis import RerunSafety
from shared.domain.limits import Limit, Per
from shared.domain.model import Model
from shared.policy.checks import DataCheck

_T = TypeVar("_T")
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0


class PolicySettings(Model):
    """Numbers are counts unless their name says otherwise; shares are fractions from 0 to 1.

    Attributes:
        running_per_target: Attempts at one pipeline or job that go on at the same time.
        attempts_per_target_per_day: In any 24 hours.
        attempts_per_action_per_10_minutes: Of one kind of action.
        attempts_per_hour: All together.
        running: All together.
        max_failing_share: With more of a factory's or workspace's known targets failing
            within ten minutes than this, something larger is wrong, and nothing is rerun ...
        min_failing_targets: ... if they are at least so many. Mend knows only targets that
            have failed at least once, so a small number would stop a young installation.
        inconclusive_until_open: So many attempts in a row of which nobody knows what came
            of them, within an hour, and a person is asked before the next one.
        rerun_safety: By name of a pipeline or job, in any case.
        data_checks: What has to be true after a rerun before it counts as healed, likewise.
    """

    running_per_target: int = Field(default=1, ge=1, le=100)
    attempts_per_target_per_day: int = Field(default=20, ge=1, le=10_000)
    attempts_per_action_per_10_minutes: int = Field(default=600, ge=1, le=100_000)
    attempts_per_hour: int = Field(default=2_000, ge=1, le=1_000_000)
    running: int = Field(default=200, ge=1, le=10_000)
    max_failing_share: float = Field(default=0.4, gt=0, le=1)
    min_failing_targets: int = Field(default=500, ge=2, le=1_000_000)
    inconclusive_until_open: int = Field(default=3, ge=1, le=1_000)
    rerun_safety: dict[str, RerunSafety] = Field(default_factory=dict, max_length=10_000)
    data_checks: dict[str, tuple[DataCheck, ...]] = Field(default_factory=dict, max_length=10_000)

    def limits(self) -> tuple[Limit, ...]:
        """Return what is counted before each attempt, the narrowest first."""
        most, day, hour = self.attempts_per_target_per_day, _DAY, _HOUR
        action = self.attempts_per_action_per_10_minutes
        return (
            # A day at most: what a crash has left uncounted as over does not block for ever.
            _limit("one at a time", Per.TARGET, self.running_per_target, day, running=True),
            _limit("attempts per target and day", Per.TARGET, most, day),
            _limit("attempts per action and ten minutes", Per.ACTION, action, 10 * _MINUTE),
            _limit("attempts at the same time", Per.ALL, self.running, day, running=True),
            _limit("attempts per hour", Per.ALL, self.attempts_per_hour, hour),
        )

    def safety_of(self, name: str) -> RerunSafety:
        """Return what its owner has said about the pipeline or job ``name``."""
        return _of(name, self.rerun_safety, RerunSafety.UNKNOWN)

    def checks_of(self, name: str) -> tuple[DataCheck, ...]:
        """Return what has to be true of the data that ``name`` writes."""
        return _of(name, self.data_checks, ())


def _of(name: str, said: Mapping[str, _T], otherwise: _T) -> _T:
    """Return what is said about ``name``, in any case."""
    wanted = name.casefold()
    return next((one for known, one in said.items() if known.casefold() == wanted), otherwise)


def _limit(name: str, per: Per, most: int, seconds: float, *, running: bool = False) -> Limit:
    return Limit(name=name, per=per, most=most, seconds=seconds, running=running)
