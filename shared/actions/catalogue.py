"""The actions this release can carry out. An action that is not here is never taken.

To add one: an entry here, its sending in :mod:`shared.usecases.issue`, and a
row in the conformance tests.
"""

from enum import StrEnum

from shared.domain.alert import Platform
from shared.domain.analysis import Action, Risk
from shared.domain.model import Model


class Repeat(StrEnum):
    """What makes a lost answer harmless."""

    IDEMPOTENT_TOKEN = "idempotent_token"  # noqa: S105 - the other side recognises our key
    RECONCILABLE = "reconcilable"  # the effect can be found by looking
    NATURAL = "natural"  # doing it twice equals doing it once
    UNSAFE = "unsafe"  # never repeated by a machine


class ActionSpec(Model):
    """What code has to know about an action before it is taken."""

    action: Action
    platform: Platform
    risk: Risk
    repeat: Repeat
    sentence: str  # what will happen, for people


CATALOGUE: dict[Action, ActionSpec] = {
    Action.RERUN_FROM_FAILURE: ActionSpec(
        action=Action.RERUN_FROM_FAILURE,
        platform=Platform.ADF,
        risk=Risk.LOW,
        repeat=Repeat.RECONCILABLE,
        sentence="run the pipeline again from the activity that failed",
    ),
    Action.RERUN_PIPELINE: ActionSpec(
        action=Action.RERUN_PIPELINE,
        platform=Platform.ADF,
        # What succeeded before runs once more: a load that only appends is then doubled.
        risk=Risk.MEDIUM,
        repeat=Repeat.RECONCILABLE,
        sentence="run the whole pipeline again with the same parameters",
    ),
}
