"""Which of the signatures that a failure shows is its cause.

Order of precedence: an innermost code beats a telling phrase beats the code of
whoever noticed the failure beats common words. A step that failed by itself
beats the containers and dependents that failed because of it. Where two causes
remain, the one that forbids an automatic action wins and the doubt is recorded.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.diagnosis.codes import CONTAINERS, codes_in
from shared.diagnosis.failure import FailureFacts, FailureText
from shared.diagnosis.hits import ALL, Catalogue, Hit, best_first, hits_in, run_hit
from shared.diagnosis.signature import Tier
from shared.domain.alert import Platform
from shared.domain.analysis import Action, Category

# A ForEach can fail a thousand times for one reason; equal texts are looked at once.
# What lies beyond the limit counts as unexplained, so that it can never be acted on.
MAX_TEXTS = 100
_CONTROL_FLOW = frozenset(
    {
        "executepipeline",
        "foreach",
        "ifcondition",
        "until",
        "switch",
        "for_each_task",
        "run_job_task",
    }
)
_RUN_LEVEL_SOURCES = ("pipeline_run", ".run", "job_run")
_FAILED_STATUSES = frozenset({"failed", "internal_error", "error", "timedout"})
_DEPENDENT_STATUSES = frozenset({"skipped", "inactive", "upstream_failed", "upstream_canceled"})


@dataclass(frozen=True, slots=True)
class Finding:
    """What one failed step shows: its best hit and whether others speak against it."""

    hit: Hit
    against: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The cause of the failure as far as signatures know it.

    ``hit`` is ``None`` when nothing is known. ``contested`` holds what speaks
    for another cause, ``unexplained`` the evidence no signature covers. ``weakest``
    is the least certain of all hits the verdict rests on.
    """

    hit: Hit | None = None
    confidence: float = 0.0
    contested: tuple[Hit, ...] = ()
    unexplained: tuple[str, ...] = ()
    weakest: Hit | None = None


def verdict(facts: FailureFacts, catalogue: Catalogue = ALL) -> Verdict:
    """Return the most likely cause of the failure, whatever the texts hold."""
    own, containers, beyond = _sorted_out(facts.texts)
    findings, unexplained = _findings(own, facts.platform, catalogue)
    if not findings:
        # The containers repeat the leaf's words: worth reading when no leaf says anything.
        findings, vague = _findings(containers, facts.platform, catalogue)
        unexplained = unexplained or vague
    found = _combined(findings, (*unexplained, *beyond))
    about_run = run_hit(facts.run_status, catalogue)
    if about_run is not None and not _outlasts(found.hit, about_run):
        return Verdict(about_run, about_run.confidence, weakest=about_run)
    if _belies(found.hit, facts.run_status):
        return Verdict(unexplained=tuple(sorted(text.evidence_id for text in own + containers)))
    return found


def _belies(hit: Hit | None, run_status: str) -> bool:
    """Tell whether "nothing happened" is claimed of a run that the record calls failed."""
    claim = hit is not None and hit.signature.category is Category.BENIGN
    return claim and run_status.strip().casefold() in _FAILED_STATUSES


def _outlasts(hit: Hit | None, about_run: Hit) -> bool:
    # Databricks also cancels by itself, after a time limit; that is no person's wish. It is
    # not rerun either, so a wrong guess here changes the words and never the action.
    return (
        hit is not None
        and about_run.signature.category is Category.CANCELLED_BY_USER
        and hit.signature.category is Category.TIMEOUT
        and not hit.is_active
    )


def _sorted_out(
    texts: Iterable[FailureText],
) -> tuple[list[FailureText], list[FailureText], tuple[str, ...]]:
    """Return failures of their own, containers, and the ids of what is beyond the limit."""
    own: dict[tuple[str, ...], FailureText] = {}
    containers: dict[tuple[str, ...], FailureText] = {}
    for text in sorted(texts, key=_content):
        if not (text.message.strip() or text.error_code.strip()):
            continue
        place = containers if _is_container(text) else own
        place.setdefault(_content(text)[:-1], text)
    beyond = tuple(text.evidence_id for text in list(own.values())[MAX_TEXTS:])
    return list(own.values())[:MAX_TEXTS], list(containers.values())[:MAX_TEXTS], beyond


def _content(text: FailureText) -> tuple[str, ...]:
    return (
        text.step,
        text.error_code,
        text.message,
        text.activity_type,
        text.status,
        text.source,
        text.evidence_id,
    )


def _is_container(text: FailureText) -> bool:
    """Tell whether the text belongs to something that failed because something in it did."""
    return (
        text.activity_type.casefold() in _CONTROL_FLOW
        or text.source.casefold().endswith(_RUN_LEVEL_SOURCES)
        or text.status.casefold() in _DEPENDENT_STATUSES
    )


def _findings(
    texts: Iterable[FailureText], platform: Platform, catalogue: Catalogue
) -> tuple[list[Finding], tuple[str, ...]]:
    """Return one finding per explained step, and the evidence ids of unexplained ones."""
    by_step: dict[str, list[FailureText]] = {}
    for text in texts:
        by_step.setdefault(text.step or f"\0{len(by_step)}", []).append(text)
    findings, unexplained = [], []
    for views in by_step.values():
        hits = [hit for view in views for hit in hits_in(view, platform, catalogue)]
        if hits:
            findings.append(_finding(hits))
        elif any(_says_something(view) for view in views):
            unexplained.append(views[0].evidence_id)
    return findings, tuple(unexplained)


def _says_something(text: FailureText) -> bool:
    return bool(text.message.strip()) or bool(
        codes_in(text.error_code, "") - CONTAINERS - {"sql:" + text.error_code.strip()}
    )


def _finding(hits: Iterable[Hit]) -> Finding:
    """Return the best explanation of one step and what contradicts it.

    A more telling match overrules a vaguer one silently. It is a contradiction when
    an equally telling one names another category, or when a telling one forbids what
    the best would do.
    """
    best, *others = sorted(hits, key=best_first)
    rivals = [hit for hit in others if _contradicts(hit, best)]
    forbidding = next((hit for hit in rivals if best.is_active and not hit.is_active), best)
    against = (hit for hit in (best, *rivals) if hit is not forbidding)
    return Finding(forbidding, tuple(against))


def _contradicts(hit: Hit, best: Hit) -> bool:
    if hit.signature.category is best.signature.category:
        return False
    if hit.by in map(str.casefold, best.signature.within):
        return False  # the bare code, of which the best match knows the finer meaning
    forbids = best.is_active and not hit.is_active and hit.tier >= Tier.TEXT
    return forbids or hit.rank[:3] == best.rank[:3]


def _combined(findings: Iterable[Finding], unexplained: tuple[str, ...]) -> Verdict:
    """Return one verdict for several failed steps: no step may be ignored for another."""
    own = _telling(sorted(findings, key=_gravest_first))
    if not own:
        return Verdict(unexplained=unexplained)
    gravest = own[0].hit
    contested = [hit for finding in own for hit in finding.against]
    contested += [finding.hit for finding in own[1:] if _disagree(finding.hit, gravest)]
    weakest = min((finding.hit for finding in own), key=lambda hit: (hit.confidence, hit.tier))
    return Verdict(gravest, weakest.confidence, tuple(contested), unexplained, weakest)


def _telling(findings: list[Finding]) -> list[Finding]:
    """Leave out dependents and harmless steps wherever there is anything else."""
    own = [finding for finding in findings if not finding.hit.signature.dependent] or findings
    return [finding for finding in own if _kind(finding.hit) != "harmless"] or own


def _disagree(hit: Hit, other: Hit) -> bool:
    # Two passing faults that the same action heals are no contradiction.
    if hit.is_active and hit.signature.action is other.signature.action:
        return False
    return hit.signature.category is not other.signature.category


def _gravest_first(finding: Finding) -> tuple[object, ...]:
    hit = finding.hit
    attempts, wait = hit.signature.max_attempts or 0, hit.signature.min_wait_seconds
    return (_GRAVITY[_kind(hit)], attempts, -wait, *best_first(hit))


def _kind(hit: Hit) -> str:
    if hit.signature.category is Category.CANCELLED_BY_USER:
        return "cancelled"
    if hit.signature.action is Action.NONE:
        return "harmless"
    return "active" if hit.is_active else "person"


# A person's wish counts most; then what needs a person; what needs nothing explains nothing else.
_GRAVITY = {"cancelled": 0, "person": 1, "active": 2, "harmless": 3}
