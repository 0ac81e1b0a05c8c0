"""The one way to a language model: within its budgets, and with one way to fail.

An answer is kept by the exact question, so that a step that is carried out twice asks once, and
only after it was understood: a failure is never kept. Calls and tokens are counted before a
question leaves, so that a crash cannot make it free. What cannot be counted is not asked.
"""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import AwareDatetime, Field, ValidationError

from shared.diagnosis.model.question import PROMPT_VERSION, Question
from shared.domain.errors import MendError, ModelUnavailable, VersionConflict
from shared.domain.model import Model
from shared.ports.clock import Clock
from shared.ports.model import LanguageModel
from shared.ports.settings import SettingsStore, StoredSetting

MAX_CALLS_PER_TICKET = 3
MAX_INPUT_TOKENS = 8_000
MAX_OUTPUT_TOKENS = 1_000
MAX_SECONDS = 30.0
"""How long all calls for one analysis may take together."""

_USAGE = "model-usage"
_ANSWERS = "model-answers"
_KEPT_FOR = timedelta(days=7)
_KEPT_PER_SLOT = 8  # of 256 slots: two thousand answers at most
_MAX_TICKETS = 1_000
_MAX_TRIES = 20

_T = TypeVar("_T")


class Usage(Model):
    """What was used on ``day`` (UTC), and how often each of the newest tickets has asked ever."""

    day: str = ""
    tokens: int = Field(default=0, ge=0)
    calls: dict[str, int] = Field(default_factory=dict)


class Answer(Model):
    """An answer that was understood."""

    text: str
    at: AwareDatetime


class Answers(Model):
    """The newest answers of one slot, by the fingerprint of their question."""

    answers: dict[str, Answer] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Advisor:
    """A language model with its budgets.

    Attributes:
        daily_tokens: All tickets together, per day in UTC; 0 asks nothing.
        wording: It may also reword causes that signatures know.
    """

    model: LanguageModel
    store: SettingsStore
    clock: Clock
    daily_tokens: int
    wording: bool = False

    async def ask(
        self,
        question: Question,
        read: Callable[[str], _T],
        *,
        about: str,
        seconds: float = MAX_SECONDS,
    ) -> _T:
        """Return what ``read`` makes of the answer.

        Args:
            read: Raises :class:`ModelUnavailable` when it cannot make anything of it.
            about: Whose calls are counted together: a ticket's id.
            seconds: Until when there must be an answer.

        Raises:
            ModelUnavailable: whatever went wrong, with the model, its budgets or the store.
        """
        key = fingerprint(question, self.model.name)
        try:
            kept = await self._kept(key)
            if kept is not None:
                return read(kept)
            reserved = await self._reserve(question, about)
            async with asyncio.timeout(max(seconds, 0)):
                reply = await self.model.ask(question)
            understood = read(reply.text)
        except ModelUnavailable:
            raise
        except TimeoutError:
            raise ModelUnavailable(f"no answer within {seconds:.0f} s") from None
        except MendError as error:
            raise ModelUnavailable(f"its budget cannot be counted: {error.code}") from error
        with contextlib.suppress(MendError):  # both only save calls: the answer is here
            await self._settle(reserved, reply.tokens)
            await self._keep(key, reply.text)
        return understood

    async def _reserve(self, question: Question, about: str) -> int:
        """Count one call and as many tokens as it can take; return these."""
        asked = question.estimated_tokens
        if asked > MAX_INPUT_TOKENS:
            raise ModelUnavailable(f"the question has {asked} tokens of {MAX_INPUT_TOKENS}")
        most = asked + MAX_OUTPUT_TOKENS
        today = _day(self.clock.now())

        def count(usage: Usage) -> Usage:
            used = usage.tokens if usage.day == today else 0
            calls = usage.calls.get(about, 0)
            if calls >= MAX_CALLS_PER_TICKET:
                raise ModelUnavailable(f"the ticket has asked {calls} times already")
            if used + most > self.daily_tokens:
                raise ModelUnavailable(f"{used} of {self.daily_tokens} tokens a day are used")
            others = {name: number for name, number in usage.calls.items() if name != about}
            newest = dict([*others.items(), (about, calls + 1)][-_MAX_TICKETS:])
            return Usage(day=today, tokens=used + most, calls=newest)

        await self._change(_USAGE, lambda stored: count(_usage(stored)))
        return most

    async def _settle(self, reserved: int, tokens: int | None) -> None:
        """Put what the endpoint counted in the place of the estimate."""
        if tokens is None or tokens < 0:
            return
        today = _day(self.clock.now())

        def correct(usage: Usage) -> Usage:
            if usage.day != today:
                return usage
            return usage.model_copy(update={"tokens": max(usage.tokens - reserved + tokens, 0)})

        await self._change(_USAGE, lambda stored: correct(_usage(stored)))

    async def _kept(self, key: str) -> str | None:
        stored = await self.store.read(_slot(key))
        answer = _answers(stored).answers.get(key)
        if answer is None or answer.at < self.clock.now() - _KEPT_FOR:
            return None
        return answer.text

    async def _keep(self, key: str, text: str) -> None:
        answer = Answer(text=text, at=self.clock.now())

        def add(known: Answers) -> Answers:
            others = [one for one in known.answers.items() if one[0] != key]
            return Answers(answers=dict([*others, (key, answer)][-_KEPT_PER_SLOT:]))

        await self._change(_slot(key), lambda stored: add(_answers(stored)))

    async def _change(self, name: str, change: Callable[[StoredSetting | None], Model]) -> None:
        for _ in range(_MAX_TRIES):
            stored = await self.store.read(name)
            value = change(stored).model_dump(mode="json")
            version = stored.version if stored else 0
            try:
                await self.store.write(name, value, expected_version=version)
            except VersionConflict:
                continue  # somebody else counted in between: count on top of it
            return
        raise ModelUnavailable("its budget is being changed by many at once")


def fingerprint(question: Question, model: str) -> str:
    """Return what makes a question the same: prompt, schema, model and topic; 64 characters."""
    schema = json.dumps(question.schema_of_answer, sort_keys=True)
    about = question.topic or question.user
    parts = (PROMPT_VERSION, model, question.name, question.system, schema, about)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _slot(key: str) -> str:
    return f"{_ANSWERS}-{key[:2]}"


def _day(now: datetime) -> str:
    return f"{now:%Y-%m-%d}"


def _usage(stored: StoredSetting | None) -> Usage:
    try:
        return Usage.model_validate(stored.value) if stored else Usage()
    except ValidationError:
        raise ModelUnavailable("what it has used today cannot be read") from None


def _answers(stored: StoredSetting | None) -> Answers:
    try:
        return Answers.model_validate(stored.value) if stored else Answers()
    except ValidationError:  # it only saves calls
        return Answers()
