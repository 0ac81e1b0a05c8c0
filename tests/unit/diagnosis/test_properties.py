"""What holds for any text whatever."""

from collections.abc import Callable
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.diagnosis.codes import codes_in
from shared.diagnosis.diagnose import diagnose, shown
from shared.diagnosis.failure import FailureFacts, FailureText
from shared.diagnosis.hits import known_names
from shared.diagnosis.reading import HEAD_CHARS, TAIL_CHARS
from shared.diagnosis.redact import redact
from shared.diagnosis.signature import PASSIVE
from shared.diagnosis.signatures import SIGNATURES
from shared.domain.alert import Platform
from shared.domain.analysis import Action, Classification

EXAMPLES = [
    (example.code, example.message)
    for signature in SIGNATURES
    for example in signature.examples
    if not signature.dependent
]
WORDS = sorted({"2200", "3204", "", "Failed", "Zork is out of plugh"} | known_names())

messages = st.one_of(
    st.sampled_from([message for _, message in EXAMPLES]),
    st.text(max_size=200),
    st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join),
)
codes = st.one_of(st.sampled_from([code for code, _ in EXAMPLES]), st.text(max_size=20))
statuses = st.one_of(
    st.sampled_from(["", "Failed", "Cancelled", "Succeeded", "TIMEDOUT"]), st.text(max_size=12)
)
wild_texts = st.builds(
    FailureText,
    evidence_id=st.from_regex(r"e[0-9]{1,3}", fullmatch=True),
    source=st.sampled_from(["", "adf.activity_run", "adf.pipeline_run", "databricks.run"]),
    error_code=codes,
    message=messages,
    activity_type=st.sampled_from(["", "Copy", "ForEach", "ExecutePipeline"]),
    status=st.sampled_from(["", "Failed", "Skipped"]),
    step=st.sampled_from(["", "a", "b"]),
)
# Steps of their own, each with something to say: what a failed run really consists of.
leaves = st.builds(
    FailureText,
    evidence_id=st.from_regex(r"e[0-9]{1,3}", fullmatch=True),
    error_code=codes,
    message=messages.filter(str.strip),
)
platforms = st.sampled_from(Platform)
# A busy machine is no failure: time is measured below, and in work done.
some = settings(max_examples=50, deadline=None)


@some
@given(platforms, statuses, st.lists(wild_texts, max_size=6))
def test_never_raises_and_never_contradicts_itself(
    platform: Platform, status: str, texts: list[FailureText]
) -> None:
    """Any facts give an analysis whose fields fit together."""
    analysis = diagnose(FailureFacts(platform=platform, run_status=status, texts=tuple(texts)))

    assert (analysis.classification is Classification.FALSE_POSITIVE) <= (
        analysis.action is Action.NONE
    )
    assert analysis.auto_remediable <= (analysis.action not in PASSIVE)
    assert (analysis.category is None) == (analysis.signature is None)
    assert (analysis.category is None) <= (analysis.confidence < 0.5)
    assert (analysis.confidence < 0.5) <= (
        analysis.classification is not Classification.TRUE_POSITIVE
    )


@some
@given(platforms, statuses, st.lists(wild_texts, min_size=2, max_size=5), st.randoms())
def test_order_of_texts_means_nothing(
    platform: Platform, status: str, texts: list[FailureText], random: object
) -> None:
    """Services return activities in any order; the verdict must not depend on it."""
    unique = [
        text.model_copy(update={"evidence_id": f"e{number}"}) for number, text in enumerate(texts)
    ]
    shuffled = list(unique)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    first = diagnose(FailureFacts(platform=platform, run_status=status, texts=tuple(unique)))
    second = diagnose(FailureFacts(platform=platform, run_status=status, texts=tuple(shuffled)))

    assert first == second


@some
@given(platforms, st.lists(leaves, min_size=1, max_size=3), leaves)
def test_more_text_never_frees_an_action(
    platform: Platform, texts: list[FailureText], noise: FailureText
) -> None:
    """What needs a person still does when another step failed too, for whatever reason."""
    before = diagnose(FailureFacts(platform=platform, run_status="Failed", texts=tuple(texts)))
    after = diagnose(FailureFacts(platform=platform, run_status="Failed", texts=(*texts, noise)))

    if before.action is Action.ESCALATE:
        assert after.action in PASSIVE


@some
@given(st.sampled_from(EXAMPLES), st.sampled_from(["Cancelled", "Canceled", "USER_CANCELED"]))
def test_cancelled_is_never_acted_on(example: tuple[str, str], status: str) -> None:
    """No text can turn a cancelled run into one to rerun."""
    text = FailureText(evidence_id="e1", error_code=example[0], message=example[1])

    for platform in Platform:
        facts = FailureFacts(platform=platform, run_status=status, texts=(text,))
        assert diagnose(facts).action in PASSIVE


SEEDS = [
    *("a", "\n", "\\", '\\"', '"', "=", "(", "[A", "A_", "a-", "-eyJ-", "eyJ.", "://a:", "://"),
    *("password=", 'pwd="', "pwd='", "token ", "--token ", "secret={", "&sig=", "authorization: "),
    *(
        "-----BEGIN A-----",
        "identified by '",
        "errorcode=",
        "<Code>A",
        "status code ",
        "reason: a ",
    ),
]


def seconds(work: Callable[[str], object], text: str) -> float:
    """Return the least time of three tries: the least disturbed one."""
    times = []
    for _ in range(3):
        begun = process_time()
        work(text)
        times.append(process_time() - begun)
    return min(times)


@pytest.mark.parametrize("seed", SEEDS)
def test_redaction_takes_linear_time(seed: str) -> None:
    """Eight times the text may cost eight times the work, not sixty-four times."""
    small, large = (seed * 20_000)[:4_000], (seed * 20_000)[:32_000]

    assert seconds(redact, large) < 30 * seconds(redact, small) + 0.001


HOSTILE = [
    *SEEDS,
    *("aA_", "AaaaError ", "[A_B.", "(A", '{"a":', "error code: ", "://a:b"),
    *sorted({phrase[0] for each in SIGNATURES for phrase in each.phrases if len(phrase[0]) > 1})[
        ::6
    ],
    " ".join(" ".join(p) if isinstance(p, tuple) else p for s in SIGNATURES for p in s.phrases),
]


@pytest.mark.parametrize("seed", HOSTILE)
def test_no_text_takes_longer_than_a_twentieth_of_a_second(seed: str) -> None:
    """64 kB of anything: the beginnings of phrases and patterns, over and over."""
    message = (seed * 65_536)[:65_536]
    facts = FailureFacts(
        platform=Platform.ADF, texts=(FailureText(evidence_id="e1", message=message),)
    )

    assert seconds(lambda _: diagnose(facts), message) < 0.05


@pytest.mark.parametrize("seed", SEEDS[::3])
def test_a_megabyte_costs_no_more_than_its_head_and_tail(seed: str) -> None:
    """Everything but the bounded part is skipped, so the result is that of the bounded part."""
    huge = (seed * 1_000_000)[:1_000_000]
    short = (seed * 1_000_000)[: HEAD_CHARS + TAIL_CHARS]

    assert seconds(lambda text: codes_in("", text), huge) < 20 * (
        seconds(lambda text: codes_in("", text), short) + 0.001
    )
    assert len(shown(huge)) <= 2_000
