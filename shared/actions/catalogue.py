"""The actions this release can carry out. An action that is not here is never taken.

To add one: an entry here, and, where it needs a request that no other action sends, a
step in :mod:`shared.remedies`.
"""

from enum import StrEnum

from shared.domain.alert import Platform
from shared.domain.analysis import Action, Risk
from shared.domain.attempt import StepKind
from shared.domain.model import Model
from shared.domain.run import Observation


class Repeat(StrEnum):
    """What makes a lost answer harmless."""

    IDEMPOTENT_TOKEN = "idempotent_token"  # noqa: S105 - the other side recognises our key
    RECONCILABLE = "reconcilable"  # the effect can be found by looking
    NATURAL = "natural"  # doing it twice equals doing it once
    UNSAFE = "unsafe"  # never repeated by a machine


class ActionSpec(Model):
    """What code has to know about an action before it is taken.

    ``plan`` are its steps in order; the last one is a run that shows whether it helped,
    unless there is no run in it at all.
    """

    action: Action
    platform: Platform
    risk: Risk
    plan: tuple[StepKind, ...]
    sentence: str  # what will happen, for people


_SPECS = (
    ActionSpec(
        action=Action.RERUN_FROM_FAILURE,
        platform=Platform.ADF,
        risk=Risk.LOW,
        plan=(StepKind.RERUN_FROM_FAILURE,),
        sentence="run the pipeline again from the activity that failed",
    ),
    ActionSpec(
        action=Action.RERUN_PIPELINE,
        platform=Platform.ADF,
        # What succeeded before runs once more: a load that only appends is then doubled.
        risk=Risk.MEDIUM,
        plan=(StepKind.RERUN_PIPELINE,),
        sentence="run the whole pipeline again with the same parameters",
    ),
    ActionSpec(
        action=Action.START_TRIGGER,
        platform=Platform.ADF,
        # Everything the trigger has been kept from doing may start at once.
        risk=Risk.MEDIUM,
        plan=(StepKind.START_TRIGGER,),
        sentence="start the trigger that is stopped",
    ),
    ActionSpec(
        action=Action.REPAIR_RUN,
        platform=Platform.DATABRICKS,
        risk=Risk.LOW,
        plan=(StepKind.REPAIR_RUN,),
        sentence="repair the run: only the tasks that failed, and what depends on them",
    ),
    ActionSpec(
        action=Action.RERUN_JOB,
        platform=Platform.DATABRICKS,
        # Tasks that succeeded run once more.
        risk=Risk.MEDIUM,
        plan=(StepKind.RERUN_JOB,),
        sentence="run the whole job again with the same parameters",
    ),
    ActionSpec(
        action=Action.RESTART_CLUSTER,
        platform=Platform.DATABRICKS,
        risk=Risk.MEDIUM,
        plan=(StepKind.RESTART_CLUSTER, StepKind.REPAIR_RUN),
        sentence="restart the cluster, if nobody else runs on it, and repair the run",
    ),
    ActionSpec(
        action=Action.REINSTALL_LIBRARIES,
        platform=Platform.DATABRICKS,
        risk=Risk.MEDIUM,
        plan=(
            StepKind.UNINSTALL_LIBRARIES,
            StepKind.RESTART_CLUSTER,
            StepKind.INSTALL_LIBRARIES,
            StepKind.REPAIR_RUN,
        ),
        sentence="install the failed libraries afresh on a restarted cluster and repair the run",
    ),
    ActionSpec(
        action=Action.RESIZE_CLUSTER,
        platform=Platform.DATABRICKS,
        risk=Risk.MEDIUM,
        plan=(StepKind.RESIZE_CLUSTER, StepKind.REPAIR_RUN),
        sentence="give the cluster more workers for one repair of the run, then take them back",
    ),
)
CATALOGUE: dict[tuple[Platform, Action], ActionSpec] = {
    (spec.platform, spec.action): spec for spec in _SPECS
}

_NEEDS_A_SHARED_CLUSTER = {StepKind.UNINSTALL_LIBRARIES, StepKind.RESTART_CLUSTER}
_RERUN_ALL = {StepKind.RERUN_PIPELINE, StepKind.RERUN_JOB}
_TUMBLING_WINDOW = "TumblingWindowTrigger"


def spec_of(platform: Platform, action: Action) -> ActionSpec | None:
    """Return how ``action`` is done on ``platform``; ``None``: it cannot be done there."""
    return CATALOGUE.get((platform, action))


def reruns_everything(platform: Platform, action: Action) -> bool:
    """Tell whether ``action`` runs what succeeded once more."""
    spec = spec_of(platform, action)
    return spec is not None and not _RERUN_ALL.isdisjoint(spec.plan)


def fitting(platform: Platform, action: Action, seen: Observation) -> Action:
    """Return the action that does for this run what ``action`` is meant to do.

    A cluster that was made for one run is made anew by every repair: there is nothing
    to restart, and its libraries are installed afresh.
    """
    spec = spec_of(platform, action)
    if spec is None or not _NEEDS_A_SHARED_CLUSTER.intersection(spec.plan):
        return action
    shared = any(failure.cluster_id for failure in seen.failures)
    return action if shared else Action.REPAIR_RUN


def plan_for(spec: ActionSpec, seen: Observation, *, by_logic_app: bool) -> tuple[StepKind, ...]:
    """Return the steps of ``spec`` for the run that was seen.

    A window of a tumbling window trigger is done only when the trigger itself has run it
    again: a plain rerun leaves the windows that depend on it waiting (Microsoft Learn,
    "Create a trigger that runs a pipeline on a tumbling window").
    """
    if by_logic_app and spec.plan[-1] is not StepKind.START_TRIGGER:  # which leads to no run
        return (StepKind.RUN_LOGIC_APP,)
    trigger = seen.run.trigger if seen.run else None
    reruns = {StepKind.RERUN_PIPELINE, StepKind.RERUN_FROM_FAILURE}
    if trigger is not None and trigger.kind == _TUMBLING_WINDOW and reruns & set(spec.plan):
        return (StepKind.RERUN_TRIGGER_RUN,)
    return spec.plan
