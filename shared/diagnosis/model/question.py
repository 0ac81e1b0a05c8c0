"""One question to a language model, and how an answer is read."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from shared.domain.analysis import Evidence
from shared.domain.errors import ModelUnavailable
from shared.domain.model import Model

PROMPT_VERSION = "1"
"""Raised whenever a question or the reading of its answer changes: old answers are forgotten."""

MAX_DATA_CHARS = 24_000
MAX_ANSWER_CHARS = 64_000
_SHORTEST_TEXT = 200


class Question(Model):
    """``system`` is ours alone, the same bytes each time; all that is from outside is in ``user``.

    ``schema_of_answer`` is a JSON schema as OpenAI's structured outputs take it: every field
    required, no further ones, no bounds. ``topic``: what makes two questions the same although
    their times and ids differ; empty: nothing does.
    """

    name: str  # letters and dashes
    system: str
    user: str
    schema_of_answer: dict[str, JsonValue]
    topic: str = ""

    @property
    def estimated_tokens(self) -> int:
        """Return how long it is: four characters are about one token of English."""
        schema = json.dumps(self.schema_of_answer)
        return -(-(len(self.system) + len(self.user) + len(schema)) // 4)


class Wire(BaseModel):
    """Base of what is asked for: no further fields, no conversions, no infinity."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


_W = TypeVar("_W", bound=Wire)


def read(model: type[_W], text: str) -> _W:
    """Return the answer as ``model``.

    Raises:
        ModelUnavailable: it is anything else. The message quotes nothing of it.
    """
    if len(text) > MAX_ANSWER_CHARS:
        raise ModelUnavailable("its answer is too long")
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        places = sorted(
            {".".join(str(part) for part in each["loc"][:1]) for each in error.errors()}
        )
        known = [place for place in places if place in model.model_fields]
        raise ModelUnavailable(f"its answer is not what was asked for: {known or 'no'}") from None


def data(head: Mapping[str, object], pieces: Sequence[Evidence]) -> tuple[str, list[Evidence]]:
    """Return a delimited JSON block, and the pieces that fitted in, the first ones first.

    ``<`` and ``>`` inside are escaped: nothing from outside can end the block.
    """
    kept: list[Evidence] = []
    room = MAX_DATA_CHARS - len(_json(head))
    for piece in pieces:
        fitting = piece
        if not kept:  # the innermost cause goes along in any case, if need be cut
            while len(_told(fitting)) > room and len(fitting.text) > _SHORTEST_TEXT:
                half = fitting.text[: len(fitting.text) // 2]
                fitting = fitting.model_copy(update={"text": half})
        if len(_told(fitting)) <= room:
            room -= len(_told(fitting))
            kept.append(fitting)
    told = [piece.model_dump() for piece in kept]
    return f"<evidence>\n{_json({**head, 'evidence': told})}\n</evidence>", kept


def strict(properties: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the schema of an object with exactly these fields."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _told(piece: Evidence) -> str:
    return _json(piece.model_dump()) + ", "


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")
