"""The signatures as data: each must win on its own examples and keep the house rules."""

import pkgutil
from collections import Counter

import pytest

from shared.diagnosis import signatures
from shared.diagnosis.diagnose import action_on, diagnose
from shared.diagnosis.failure import FailureFacts, FailureText
from shared.diagnosis.hits import hits_in, known_names
from shared.diagnosis.reading import plain
from shared.diagnosis.signature import (
    NEVER_AUTOMATIC,
    PASSIVE,
    Example,
    Phrase,
    Signature,
    Tier,
)
from shared.diagnosis.signatures import SIGNATURES
from shared.domain.alert import Platform
from shared.domain.analysis import Action, Analysis, Category, Classification, Risk

EXAMPLES = [
    pytest.param(signature, example, id=f"{signature.id}-{number}")
    for signature in SIGNATURES
    for number, example in enumerate(signature.examples, 1)
]


def told(signature: Signature, *, code: str = "", message: str = "") -> Analysis:
    """Diagnose one text on the signature's own platform."""
    text = FailureText(evidence_id="e1", error_code=code, message=message)
    return diagnose(FailureFacts(platform=signature.platforms[0], texts=(text,)))


def words(phrase: Phrase) -> tuple[str, ...]:
    """Return the parts of a phrase."""
    return (phrase,) if isinstance(phrase, str) else phrase


@pytest.mark.parametrize(("signature", "example"), EXAMPLES)
def test_wins_on_its_own_example(signature: Signature, example: Example) -> None:
    """No other signature may explain the example better, nor make it doubtful."""
    text = FailureText(evidence_id="e1", error_code=example.code, message=example.message)
    platform = example.platform or signature.platforms[0]

    analysis = diagnose(FailureFacts(platform=platform, texts=(text,)))

    assert analysis.signature == signature.id
    assert analysis.category is signature.category
    if analysis.confidence >= 0.5:
        assert analysis.classification is not Classification.UNCERTAIN


@pytest.mark.parametrize(("signature", "example"), EXAMPLES)
def test_no_other_would_act_on_its_example(signature: Signature, example: Example) -> None:
    """What somebody has to look at is not taken for something to repeat by anybody else."""
    if signature.action not in PASSIVE:
        return
    text = FailureText(evidence_id="e1", error_code=example.code, message=example.message)

    for platform in signature.platforms:
        acting = [
            hit.signature.id
            for hit in hits_in(text, platform)
            if action_on(platform, hit.signature.action) not in PASSIVE and hit.tier >= Tier.TEXT
        ]
        assert acting == []


def test_every_entry_is_right_or_silent_on_everybody_elses_examples() -> None:
    """Alone, an entry claims nothing of others' examples more surely than their own does."""
    for other in SIGNATURES:
        for example in other.examples:
            text = FailureText(evidence_id="e1", error_code=example.code, message=example.message)
            hits = hits_in(text, example.platform or other.platforms[0])
            best = next(hit for hit in hits if hit.signature.id == other.id)
            assert all(hit.rank <= best.rank for hit in hits), other.id


def test_wins_on_each_of_its_codes() -> None:
    """A code alone, as its system writes it, leads to the signature that lists it."""
    for signature in SIGNATURES:
        for code in signature.codes:
            namespace, _, number = code.rpartition(":")
            message = {
                "sql": f"SqlErrorNumber={number}",
                "sqlstate": f"SQLSTATE: {number.upper():0<5}",
                "http": f"HTTP {number}",
            }.get(namespace, "")
            if namespace != "run":
                analysis = told(signature, code="" if message else number, message=message)
                assert analysis.signature == signature.id, code


def test_names_are_unique() -> None:
    """A ticket names a signature by its id, and a code leads to one signature only."""
    ids = Counter(signature.id for signature in SIGNATURES)
    codes = Counter(code.casefold() for signature in SIGNATURES for code in signature.codes)

    assert not [name for name, times in (ids + codes).items() if times > 1]


def test_every_module_is_registered() -> None:
    """A file in the folder whose signatures nobody reads is dead."""
    found = {module.name for module in pkgutil.iter_modules(signatures.__path__)}
    registered = {name for name in found if hasattr(signatures, name)}

    assert found == registered
    for name in found:
        assert set(getattr(signatures, name).SIGNATURES) <= set(SIGNATURES)


def test_never_automatic_where_a_rerun_cannot_help() -> None:
    """Data, code, rights, settings and a person's wish are not for a machine to repeat."""
    for signature in SIGNATURES:
        if signature.category in NEVER_AUTOMATIC:
            assert signature.action in PASSIVE, signature.id
            assert not signature.auto, signature.id
        if signature.action in PASSIVE:
            assert not signature.auto, signature.id
            assert signature.max_attempts is None


def test_automatic_ones_are_bounded() -> None:
    """What may run alone says how often, after what pause, and is worth a retry."""
    for signature in SIGNATURES:
        if signature.auto:
            # The same once more would not help there; with more memory it may.
            resized = signature.action is Action.RESIZE_CLUSTER
            assert resized or signature.retryable in {"true", "once", "unclear"}, signature.id
            assert signature.max_attempts in {1, 2, 3}, signature.id
            assert signature.min_wait_seconds >= 60, signature.id
        if signature.action not in PASSIVE:
            assert signature.max_attempts != 0, signature.id
        if signature.retryable == "once" and signature.auto:
            assert signature.max_attempts == 1


def test_can_be_read_by_people() -> None:
    """A ticket shows the cause and the next step; a maintainer finds reason and source."""
    for signature in SIGNATURES:
        assert signature.root_cause.endswith("."), signature.id
        assert signature.recommendations or signature.category is Category.BENIGN, signature.id
        assert signature.why, signature.id
        assert signature.source, signature.id
        assert signature.examples, signature.id
        assert 0 < signature.confidence <= 1, signature.id
        assert signature.codes or signature.phrases or signature.name_parts


def test_phrases_are_written_as_they_are_compared() -> None:
    """A capital letter or a double space in a phrase would never be found."""
    for signature in SIGNATURES:
        for phrase in (*signature.phrases, *signature.unless):
            for part in words(phrase):
                assert plain(part) == part.strip(), signature.id
                assert len(part) >= 4, signature.id
        for phrase in signature.name_parts:
            assert all(part == part.casefold() for part in words(phrase))


def test_fragments_of_names_only_read_unknown_codes() -> None:
    """A code that some signature lists is never judged by the sound of its name."""
    known = known_names()

    assert "sqlopenconnectiontimeout" in known
    assert (
        told(SIGNATURES[0], code="SqlOpenConnectionTimeout").signature != "code-named-for-timeout"
    )
    assert told(SIGNATURES[0], code="AcmeReadTimeout").signature == "code-named-for-timeout"


def test_only_other_platforms_are_left_without_actions() -> None:
    """Each active signature leads to an action its platform has, or to a person."""
    adf = {Action.RERUN_FROM_FAILURE, Action.RERUN_PIPELINE, *PASSIVE}
    databricks = {
        Action.REPAIR_RUN,
        Action.RERUN_JOB,
        Action.RESTART_CLUSTER,
        Action.REINSTALL_LIBRARIES,
        Action.RESIZE_CLUSTER,
        *PASSIVE,
    }
    for signature in SIGNATURES:
        for platform, allowed in (
            (Platform.ADF, adf),
            (Platform.DATABRICKS, databricks),
            (Platform.OTHER, PASSIVE),
        ):
            for example in signature.examples:
                text = FailureText(
                    evidence_id="e1", error_code=example.code, message=example.message
                )
                analysis = diagnose(FailureFacts(platform=platform, texts=(text,)))
                assert analysis.action in allowed
                if analysis.action is Action.ESCALATE:
                    assert analysis.risk is Risk.HIGH
