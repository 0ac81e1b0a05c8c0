"""A language model: text in, text out, and nothing it says is believed here."""

from typing import Protocol

from shared.diagnosis.model.question import Question
from shared.domain.model import Model


class Reply(Model):
    """``text`` is untrusted; ``tokens`` is what the endpoint counted, both ways, if it did."""

    text: str
    tokens: int | None = None


class LanguageModel(Protocol):
    """Answers one question at a time, each once: no retries, no memory, no tools."""

    @property
    def name(self) -> str:
        """Which model: answers of another one are not reused."""
        ...

    async def ask(self, question: Question) -> Reply:
        """Return the answer as it came.

        Raises:
            ModelUnavailable: there is none, for whatever reason; within 30 s.
        """
        ...
