"""Everything a decision may depend on, gathered before anything is decided."""

from typing import Literal

from pydantic import Field

from shared.domain.alert import Severity
from shared.domain.analysis import Action, Category, Classification, RerunSafety, Risk
from shared.domain.attempt import AttemptOutcome
from shared.domain.model import Model
from shared.domain.run import RunPhase

POLICY_VERSION = "5"
"""Raised whenever a rule changes its mind about the same facts."""


class PastAttempt(Model):
    """What an earlier attempt of the same ticket was and came to."""

    action: Action
    signature: str | None = None
    outcome: AttemptOutcome | None = None
    seen: bool = True  # False: its request was sent and no run of it ever appeared


class PolicyFacts(Model):
    """The input of :func:`shared.policy.decide.decide`, kept with the decision for replay."""

    run_phase: RunPhase | None  # None: the system of record knows no such run
    failed_steps: int = 0
    recovered: bool = False  # it failed, or went on, when it was reported
    platform_tries: int = 0  # how often the platform, or somebody else, has run it again
    newer_success_run_id: str | None = None
    handled_by: str | None = None
    read_problem: str = ""
    without_record: bool = False  # nothing that could be read, or run again, stands behind it
    canary: bool = False  # our own proof that alerts get through
    alert_resolved: bool = False  # its sender says that it is over
    open_seconds: float = Field(default=0, ge=0)  # since the ticket was opened
    cancel_requested: bool = False
    asked_by: str = ""  # the person who has chosen the action; empty: the diagnosis has
    approved_by: str = ""  # who has agreed to exactly this plan, not too long ago
    healed_lately: int = 0  # how often the same thing was healed in the last half hour
    max_healed_lately: int = 1_000_000
    outage: str = ""  # a known outage of what it runs on; empty: none
    classification: Classification
    category: Category | None
    signature: str | None
    confidence: float = Field(ge=0, le=1)
    auto_remediable: bool
    action: Action
    action_known: bool  # the catalogue can carry it out
    risk: Risk
    max_attempts_for_cause: int | None = None
    past: tuple[PastAttempt, ...] = ()
    mode: Literal["auto", "hil"]
    confidence_threshold: float = Field(ge=0, le=1)
    max_attempts: int
    kill_switch: bool
    kill_switch_reason: str = ""
    target: str = ""
    limit_reached: str = ""  # in words; empty: none
    rerun_safety: RerunSafety = RerunSafety.UNKNOWN
    owner_has_said: bool = False  # else it is what the definition shows
    reruns_everything: bool = False  # the action runs what succeeded once more
    failing_targets: int = 0
    known_targets: int = 0
    max_failing_share: float = 1
    min_failing_targets: int = 1_000_000
    inconclusive_in_a_row: int = 0
    inconclusive_until_open: int = 1_000
    freeze: str = ""  # the change freeze that holds; empty: none
    maintenance: str = ""  # the maintenance that goes on; empty: none
    allowed: bool = True  # operators let this be done to the target at all
    kill_switch_scope: str = "global"  # what the switch that is on stops
    # What the facts above were made of, for whoever asks what other settings would have done.
    environment: str | None = None
    severity: Severity | None = None
    general_threshold: float | None = None  # before the severity changed it
    own_risk: Risk | None = None  # before the environment raised it
    defined_safety: RerunSafety = RerunSafety.UNKNOWN  # what the definition shows
