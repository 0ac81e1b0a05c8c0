"""Facts in, analysis out: the way into the diagnosis."""

from collections.abc import Iterable

from shared.diagnosis.calibration import TABLE, Strength, Table, calibrated
from shared.diagnosis.failure import FailureFacts, FailureText
from shared.diagnosis.hits import ALL, Catalogue, Hit
from shared.diagnosis.match import Verdict, verdict
from shared.diagnosis.reading import bounded, printable
from shared.diagnosis.redact import redact
from shared.diagnosis.signature import NEVER_AUTOMATIC, PASSIVE, Signature, Tier
from shared.domain.alert import Platform
from shared.domain.analysis import Action, Analysis, Category, Classification, Evidence, Risk

MAX_EVIDENCE_CHARS = 2_000
MAX_EVIDENCE = 50

# Below one half it is more likely another cause: nobody should act on that alone.
UNSURE = 0.45
_CONTESTED_SHARE = 0.7
# Text beyond this is not searched for secrets and therefore not shown either.
_MAX_SHOWN_CHARS = 30_000
# Of what is longer only a beginning is searched: secrets cost most of the time of a verdict.
_BEGINNING_CHARS = 12_000
_LONGEST_KEY_CHARS = 300

# What the best action is called where the failure happened. None of the clusters behind a
# Data Factory activity is ours to change: the pipeline is run again or a person looks.
_ON_ADF = {
    Action.REPAIR_RUN: Action.RERUN_FROM_FAILURE,
    Action.RERUN_JOB: Action.RERUN_PIPELINE,
    Action.RESTART_CLUSTER: Action.RERUN_FROM_FAILURE,
    Action.REINSTALL_LIBRARIES: Action.RERUN_FROM_FAILURE,
    Action.RESIZE_CLUSTER: Action.ESCALATE,
}
_ON_DATABRICKS = {
    Action.RERUN_FROM_FAILURE: Action.REPAIR_RUN,
    Action.RERUN_PIPELINE: Action.RERUN_JOB,
}

_UNKNOWN_CAUSE = "No known signature explains this failure."
_UNKNOWN_ADVICE = (
    "Open the failed run and read the innermost error of the first step that failed.",
    "Compare with the last run that succeeded: what changed in code, data, credentials or limits?",
    "Rerun by hand only when the steps are safe to repeat.",
    "If this error comes again, add a signature for it.",
)


def diagnose(facts: FailureFacts, catalogue: Catalogue = ALL, table: Table = TABLE) -> Analysis:
    """Return what is believed about the failure, with the evidence made safe to show.

    Never raises and never guesses: what no signature explains is ``uncertain``
    with a confidence below one half and goes to a person.

    Args:
        facts: What the system of record says.
        catalogue: The signatures to look for.
        table: How confidences are calibrated.
    """
    found = verdict(facts, catalogue)
    evidence = _evidence(facts.texts)
    if found.hit is None:
        return Analysis(
            classification=Classification.UNCERTAIN,
            root_cause=_UNKNOWN_CAUSE,
            recommendations=_UNKNOWN_ADVICE,
            evidence=evidence,
        )
    signature = found.hit.signature
    action = _action(found, facts.platform)
    automatic = action not in PASSIVE
    confidence = _confidence(found, action, table)
    return Analysis(
        classification=_classification(found, action, confidence),
        confidence=confidence,
        category=signature.category,
        signature=signature.id,
        root_cause=signature.root_cause,
        auto_remediable=automatic and signature.auto,
        action=action,
        risk=_risk(signature, action),
        recommendations=(*signature.recommendations, *_doubts(found)),
        evidence=evidence,
        method="signature",
        max_attempts=signature.max_attempts if automatic else None,
        min_wait_seconds=signature.min_wait_seconds if automatic else 0,
    )


def _action(found: Verdict, platform: Platform) -> Action:
    """Return what may be done here; a step nobody understands forbids acting on the others."""
    if found.hit is None or found.hit.signature.action in PASSIVE:
        action = found.hit.signature.action if found.hit else Action.ESCALATE
        # Something failed that nobody understands: it cannot be nothing.
        return Action.ESCALATE if found.unexplained and not _is_wish(found.hit) else action
    if found.unexplained or found.hit.signature.category in NEVER_AUTOMATIC:
        return Action.ESCALATE
    return action_on(platform, found.hit.signature.action)


def action_on(platform: Platform, action: Action) -> Action:
    """Return the word for ``action`` on ``platform``; elsewhere only a person can act."""
    if action in PASSIVE:
        return action
    if platform is Platform.ADF:
        return _ON_ADF.get(action, action)
    if platform is Platform.DATABRICKS:
        return _ON_DATABRICKS.get(action, action)
    return Action.ESCALATE


def _is_wish(hit: Hit | None) -> bool:
    return hit is not None and hit.signature.category is Category.CANCELLED_BY_USER


def _confidence(found: Verdict, action: Action, table: Table) -> float:
    tier = found.weakest.tier if found.weakest else Tier.INNER
    strength = Strength(tier, acts=acts_alone(found, action))
    confidence = calibrated(found.confidence, strength, table)
    if found.contested:
        confidence *= _CONTESTED_SHARE
    if found.unexplained and not _is_wish(found.hit):
        confidence = min(confidence, UNSURE)
    return round(confidence, 2)


def acts_alone(found: Verdict, action: Action) -> bool:
    """Tell whether ``action`` may happen with nobody looking; closing the ticket may, too."""
    automatic = found.hit is not None and found.hit.signature.auto
    return action is Action.NONE or (automatic and action not in PASSIVE)


def _classification(found: Verdict, action: Action, confidence: float) -> Classification:
    if found.contested or (found.unexplained and not _is_wish(found.hit)):
        return Classification.UNCERTAIN
    if action is Action.NONE:
        return Classification.FALSE_POSITIVE
    if confidence < 0.5:
        return Classification.UNCERTAIN
    return Classification.TRUE_POSITIVE


def _risk(signature: Signature, action: Action) -> Risk:
    if action is Action.NONE:
        return Risk.LOW
    return Risk.HIGH if action is Action.ESCALATE else signature.risk


def _doubts(found: Verdict) -> Iterable[str]:
    for name, by in sorted({(hit.signature.id, redact(hit.by)) for hit in found.contested}):
        yield f"Also seen: {name} (by {by!r}); make sure which of them is the cause."
    if found.unexplained:
        yield f"No signature explains {', '.join(sorted(found.unexplained))}: read it first."


def _evidence(texts: Iterable[FailureText]) -> tuple[Evidence, ...]:
    ordered = sorted(texts, key=lambda text: text.evidence_id)[:MAX_EVIDENCE]
    return tuple(
        Evidence(id=text.evidence_id, source=text.source, text=shown(_told(text)))
        for text in ordered
    )


def _told(text: FailureText) -> str:
    facts = (text.step, text.activity_type, text.status, text.error_code)
    return ": ".join(part for part in (" ".join(filter(None, facts)), text.message) if part)


def shown(text: str) -> str:
    """Return untrusted ``text`` fit for tickets and logs: short, printable, without secrets."""
    safe = redact(printable(_beginning(text)))
    return bounded(safe, MAX_EVIDENCE_CHARS * 2 // 3, MAX_EVIDENCE_CHARS // 3 - 20)


def _beginning(text: str) -> str:
    if len(text) <= _MAX_SHOWN_CHARS:
        return text
    # Not within a word: half a key does not look like one any more.
    last_words = _BEGINNING_CHARS - _LONGEST_KEY_CHARS
    cut = max(text.rfind(char, last_words, _BEGINNING_CHARS) for char in " \n,;\"'&")
    return text[: cut if cut >= 0 else last_words]
