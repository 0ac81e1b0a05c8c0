"""Language models that say what a test tells them to, and remember what they were asked."""

import asyncio
import json
from collections.abc import Callable

from shared.diagnosis.model.question import Question
from shared.domain.errors import ModelUnavailable
from shared.ports.clock import Clock
from shared.ports.model import Reply
from shared.ports.settings import SettingsStore
from shared.usecases.ask_model import Advisor


class ScriptedModel:
    """Implements :class:`shared.ports.model.LanguageModel` in memory."""

    def __init__(self, answer: object = None, *, tokens: int | None = None) -> None:
        self.name = "scripted"
        self.answer = answer
        self.tokens = tokens
        self.hangs = False
        self.problem: ModelUnavailable | None = None
        self.before: Callable[[], None] = lambda: None
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> Reply:
        """See the protocol."""
        self.asked.append(question)
        self.before()
        if self.hangs:
            await asyncio.Event().wait()
        if self.problem is not None:
            raise self.problem
        text = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        return Reply(text=text, tokens=self.tokens)

    @property
    def prompts(self) -> list[str]:
        """Return all that it was told, one text per question."""
        return [f"{one.system}\n{one.user}" for one in self.asked]

    def advisor(
        self, store: SettingsStore, clock: Clock, *, tokens: int = 500_000, wording: bool = False
    ) -> Advisor:
        """Return it with its budgets."""
        return Advisor(self, store, clock, tokens, wording=wording)
