"""What operators allow: numbers and names that rules look at. Versioned when stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self, TypeVar

from pydantic import ConfigDict, Field, model_validator

from shared.domain.alert import Severity
from shared.domain.analysis import Action, RerunSafety, Risk
from shared.domain.limits import Limit, Per
from shared.domain.model import Model
from shared.domain.moment import Moment
from shared.policy.checks import DataCheck

_T = TypeVar("_T")
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
_RISK_ORDER = list(Risk)
_Share = Annotated[float, Field(ge=0, le=1)]
_Minutes = Annotated[float, Field(gt=0, le=366 * 24 * 60)]


class Window(Model):
    """A time, half-open ``[start, end)``, and what it is about: all, unless it says what.

    Names are compared in any case. A failure whose environment nobody knows may be of any.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    start: Moment
    end: Moment
    environments: tuple[str, ...] = Field(default=(), max_length=1_000)
    targets: tuple[str, ...] = Field(default=(), max_length=10_000)

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"{self.name!r} has to end after its start")
        return self

    def holds(self, at: datetime, environment: str | None, target: str) -> bool:
        """Tell whether it is about ``target`` at that time."""
        there = not self.environments or not environment or _among(environment, self.environments)
        its = not self.targets or _among(target, self.targets)
        return self.start <= at < self.end and there and its


class Freeze(Window):
    """A time in which nothing is done without a person."""


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
        heals_per_half_hour: What was healed so often lately and is back again is left to a person.
        rerun_safety: By name of a pipeline or job, in any case.
        data_checks: What has to be true after a rerun before it counts as healed, likewise.
        confidence_by_severity: Instead of the threshold of the execution mode.
        sla_minutes_by_severity: How long tickets may take, instead of ``MEND_SLA_MINUTES``.
        allowed_actions: By name of a pipeline or job; of what is not named all are allowed.
        freezes: Times in which nothing is done without a person.
        maintenance: Times in which nothing is done until they are over.
        environment_risk: How risky everything is there at least.
    """

    running_per_target: int = Field(default=1, ge=1, le=100)
    attempts_per_target_per_day: int = Field(default=20, ge=1, le=10_000)
    attempts_per_action_per_10_minutes: int = Field(default=600, ge=1, le=100_000)
    attempts_per_hour: int = Field(default=2_000, ge=1, le=1_000_000)
    running: int = Field(default=200, ge=1, le=10_000)
    max_failing_share: float = Field(default=0.4, gt=0, le=1)
    min_failing_targets: int = Field(default=500, ge=2, le=1_000_000)
    inconclusive_until_open: int = Field(default=3, ge=1, le=1_000)
    heals_per_half_hour: int = Field(default=10, ge=1, le=1_000)
    rerun_safety: dict[str, RerunSafety] = Field(default_factory=dict, max_length=10_000)
    data_checks: dict[str, tuple[DataCheck, ...]] = Field(default_factory=dict, max_length=10_000)
    confidence_by_severity: dict[Severity, _Share] = Field(default_factory=dict)
    sla_minutes_by_severity: dict[Severity, _Minutes] = Field(default_factory=dict)
    allowed_actions: dict[str, tuple[Action, ...]] = Field(default_factory=dict, max_length=10_000)
    freezes: tuple[Freeze, ...] = Field(default=(), max_length=1_000)
    maintenance: tuple[Window, ...] = Field(default=(), max_length=1_000)
    environment_risk: dict[str, Risk] = Field(default_factory=dict, max_length=1_000)

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

    def threshold_for(self, severity: Severity | None, otherwise: float) -> float:
        """Return how certain a diagnosis has to be."""
        return (
            otherwise if severity is None else self.confidence_by_severity.get(severity, otherwise)
        )

    def allows(self, action: Action, name: str) -> bool:
        """Tell whether ``action`` may be done to the pipeline or job ``name`` at all."""
        return action in _of(name, self.allowed_actions, tuple(Action))

    def freeze_at(self, at: datetime, environment: str | None, target: str) -> str:
        """Return the name of the freeze that holds; empty: none does."""
        return next((one.name for one in self.freezes if one.holds(at, environment, target)), "")

    def maintenance_at(self, at: datetime, environment: str | None, target: str) -> Window | None:
        """Return the maintenance that goes on; of several the one that ends last."""
        on = [one for one in self.maintenance if one.holds(at, environment, target)]
        return max(on, key=lambda one: one.end, default=None)

    def risk_in(self, environment: str | None, risk: Risk) -> Risk:
        """Return ``risk`` as it counts there: raised or as it is, never lowered.

        Where nobody knows the environment, it counts as the riskiest one that is named.
        """
        known = self.environment_risk
        there = [_of(environment, known, risk)] if environment else list(known.values())
        return max([risk, *there], key=_RISK_ORDER.index)


def _of(name: str, said: Mapping[str, _T], otherwise: _T) -> _T:
    """Return what is said about ``name``, in any case."""
    wanted = name.casefold()
    return next((one for known, one in said.items() if known.casefold() == wanted), otherwise)


def _among(name: str, names: tuple[str, ...]) -> bool:
    """Tell whether ``name`` is one of ``names``, in any case."""
    return name.casefold() in {one.casefold() for one in names}


def _limit(name: str, per: Per, most: int, seconds: float, *, running: bool = False) -> Limit:
    return Limit(name=name, per=per, most=most, seconds=seconds, running=running)
