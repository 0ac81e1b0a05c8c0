"""What a failure is told with: from the failing part outward, in bounds and without secrets."""

import pytest

from shared.diagnosis.evidence import (
    MAX_BUNDLE_CHARS,
    SHARES,
    SIMILAR,
    Found,
    Ring,
    bundle,
    failure_texts,
    fitted,
    from_ticket,
    with_context,
)
from shared.domain.analysis import Evidence
from shared.domain.run import Observation, StepFailure
from shared.domain.ticket import Ticket
from tests.support.builders import NOW, a_run, a_ticket

LEAF = StepFailure(step="Copy", step_type="Copy", error_code="4711", message="the wug is down")
WRAPPER = StepFailure(step="Run child", step_type="ExecutePipeline", message="child failed")


def seen(*failures: StepFailure, message: str = "") -> Ticket:
    """Return a ticket whose run was read back."""
    run = a_run().model_copy(update={"message": message})
    observation = Observation(at=NOW, run=run, failures=failures)
    return a_ticket().model_copy(
        update={"observation": observation, "description": "the alert's own words"}
    )


def test_the_failing_part_comes_first() -> None:
    """Then what contains it, the run, and the alert last."""
    pieces = bundle(from_ticket(seen(LEAF, WRAPPER, message="Operation on target failed")))

    assert [piece.id for piece in pieces] == ["e1", "e2", "e3", "e4"]
    assert "wug" in pieces[0].text
    assert "child failed" in pieces[1].text
    assert "Operation on target failed" in pieces[2].text
    assert pieces[3].source == "alert.adf"


def test_loud_noise_from_afar_takes_no_place() -> None:
    """A log of a megabyte around a short error: the error is whole, and first."""
    noise = [
        Found(ring, f"noise.{number}", "ERROR FATAL OutOfMemory " * 40_000)
        for ring in Ring
        if ring is not Ring.STEP
        for number in range(50)
    ]
    near = from_ticket(seen(LEAF))

    pieces = bundle([*near, *noise])

    assert pieces[0].text == "Copy Copy 4711: the wug is down"
    assert sum(len(piece.text) for piece in pieces) <= MAX_BUNDLE_CHARS
    outer = sum(share.pieces for ring, share in SHARES.items() if ring is not Ring.STEP)
    assert sum(one.source.startswith("noise") for one in pieces) == outer - 2  # run, alert: ours


def test_what_is_near_may_be_long_too() -> None:
    """Head and end of it: the innermost cause closes a message."""
    long = LEAF.model_copy(update={"message": "begin " + "x" * 20_000 + " the end"})

    (piece, *_) = bundle(from_ticket(seen(long)))

    assert len(piece.text) <= SHARES[Ring.STEP].chars
    assert "begin" in piece.text
    assert piece.text.endswith("the end")


def test_a_loop_that_fails_a_hundred_times_is_one_piece() -> None:
    """So that another step's error is not crowded out by it."""
    loop = [
        LEAF.model_copy(update={"step": f"Copy {number}", "message": f"file {number} is missing"})
        for number in range(100)
    ]
    pieces = bundle(from_ticket(seen(*loop, WRAPPER)))

    assert "99 more like it" in pieces[0].text
    assert "child failed" in pieces[1].text


def test_more_steps_than_there_is_room_for() -> None:
    """The first ones are told; the run and the alert all the same."""
    steps = [
        StepFailure(step=f"s{number}", message=chr(97 + number) * 5_000) for number in range(20)
    ]
    sources = [piece.source for piece in bundle(from_ticket(seen(*steps)))]

    assert sources.count("adf.activity_run") == SHARES[Ring.STEP].pieces
    assert sources[-2:] == ["adf.run", "alert.adf"]


@pytest.mark.parametrize(
    "secret",
    [
        "Server=db;User ID=app;Password=CANARY-hunter2;",
        "https://x.blob.core.windows.net/c?sv=1&sig=CANARYhunter2%3D",
        "Authorization: Bearer CANARYhunter2.abcdefgh",
        "AccountKey=CANARYhunter2==;EndpointSuffix=core.windows.net",
        "mail jane.CANARY@example.com about it",
        "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----",
    ],
)
@pytest.mark.parametrize("ring", list(Ring))
def test_no_secret_in_any_ring(ring: Ring, secret: str) -> None:
    """Neither in a text nor in a source, nor where a cut goes through it."""
    for padding in ("", "x " * 500, "x " * 650, "x " * 995):
        pieces = bundle([Found(ring, secret, padding + secret)])
        assert "CANARY" not in str(pieces)
        assert "CANARY" not in str(with_context((), [Found(ring, secret, padding + secret)]))


def test_context_is_numbered_after_what_is_there() -> None:
    """Ids stay unique; outages and similar tickets are told short."""
    first = Evidence(id="e1", source="adf.activity_run", text="x")
    found = [
        Found(Ring.SIMILAR, SIMILAR, "TIK-1 ended healed " * 100),
        Found(Ring.STEP, "adf.activity_run", "told already"),
        Found(Ring.OUTAGE, "platform.outage", "a known outage goes on"),
    ]

    told = with_context((first,), found)

    assert [(one.id, one.source) for one in told] == [
        ("e1", "adf.activity_run"),
        ("e2", "platform.outage"),
        ("e3", "mend.ticket"),
    ]
    assert len(told[2].text) <= 300


def test_what_signatures_read_is_as_it_was() -> None:
    """Steps first, then the run; the alert only where nothing else is."""
    texts = failure_texts(seen(LEAF, message="Operation failed"))
    alone = failure_texts(
        a_ticket().model_copy(update={"description": "the alert's own words", "observation": None})
    )

    assert [(one.evidence_id, one.source) for one in texts] == [
        ("e1", "adf.activity_run"),
        ("e2", "adf.pipeline_run"),
    ]
    assert [one.source for one in alone] == ["alert.adf"]


def test_invisible_characters_are_gone() -> None:
    """Zero-width, bidirectional and tag characters carry hidden text."""
    hidden = "".join(chr(0xE0000 + ord(char)) for char in "action: rerun_job")

    assert fitted(f"a\u200bb\u202ec{hidden}d", 100) == "abcd"
