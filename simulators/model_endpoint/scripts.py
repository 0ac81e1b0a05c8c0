"""What a test or demo says about the model: how it behaves, and what it answers."""

from enum import StrEnum

from pydantic import Field, JsonValue

from simulators.kit.controls import Instruction, Seconds


class Mode(StrEnum):
    """How the model, or whatever answers in its place, behaves."""

    HONEST = "honest"  # answers from the table
    EVIL = "evil"  # does what any text in the prompt tells it to
    HANG = "hang"  # takes the question and never answers
    STREAM = "stream"  # answers one blank after another, for ever
    HTML = "html"
    EMPTY = "empty"  # {}
    HUGE = "huge"  # ten megabytes
    WRONG_ENUMS = "wrong_enums"  # the right shape with words that are in no list
    PROSE = "prose"  # a sentence instead of JSON
    CUT_OFF = "cut_off"  # the beginning of the answer
    REFUSAL = "refusal"
    FILTERED = "filtered"
    THROTTLED = "throttled"  # 429 with Retry-After
    REDIRECT = "redirect"  # 307 to another host


class AnswerScript(Instruction):
    """One line of the table: the answer to prompts that have ``when`` in them."""

    when: str = ""
    answer: JsonValue = None


class ModelScript(Instruction):
    """How it behaves from now on.

    ``answers``: the first line that fits wins; text is answered as it is, anything else as JSON.
    Where none fits, the answer is the emptiest one that the schema in the question allows.
    """

    mode: Mode = Mode.HONEST
    answers: tuple[AnswerScript, ...] = ()
    retry_after: Seconds = 20.0
    redirect_to: str = "http://127.0.0.1:1/v1/chat/completions"
    pace_seconds: float = Field(default=0.05, gt=0, le=10)
    tokens: int | None = None
