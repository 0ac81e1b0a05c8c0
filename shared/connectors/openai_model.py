"""A language model behind any endpoint that speaks OpenAI's v1 API (chat completions).

Azure OpenAI has it at ``https://RESOURCE.openai.azure.com/openai/v1/`` (Microsoft Learn, "Azure
OpenAI in Azure AI Foundry Models v1 API"). The SDK's own reading of answers is not used: it reads
to the end, however far that is, and raises whatever the body makes it raise. Here an answer is
read in pieces up to a size, and everything that goes wrong is one error.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from shared.connectors.azure_identity import async_credential
from shared.connectors.http_wire import checked, posting, session
from shared.diagnosis.model.question import Question
from shared.domain.errors import ModelUnavailable, Refused
from shared.domain.urls import is_loopback
from shared.ports.model import Reply

MAX_ANSWER_BYTES = 64 * 1024
MAX_OUTPUT_TOKENS = 1_000
SCOPE = "https://ai.azure.com/.default"
_SYSTEM = "model"
_NO_KEY = "none"  # the SDK wants one, and a server on loopback does not look at it


class OpenAiModel:
    """Implements :class:`~shared.ports.model.LanguageModel`.

    Args:
        base_url: Up to and including ``/v1/``.
        model: Its name, on Azure that of the deployment.
        key: ``None``: a token of the app's own identity for https, nothing for plain http.
        timeout_seconds: From the question to the end of the answer.
    """

    def __init__(
        self, base_url: str, model: str, key: str | None = None, *, timeout_seconds: float = 30
    ) -> None:
        self.name = model
        self._base_url = base_url
        self._key = key
        self._timeout_seconds = timeout_seconds
        self._tokens: Callable[[], Awaitable[str]] | None = None

    async def ask(self, question: Question) -> Reply:
        """See the protocol."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return _reply(await self._body(question))
        except TimeoutError:
            raise ModelUnavailable(f"no answer within {self._timeout_seconds:g} s") from None
        except ModelUnavailable:
            raise
        except Exception as error:
            # The SDK, its transport, the credential and the parsers each have errors of their
            # own, and none of them may stop a ticket.
            raise _meaning(error) from error

    async def reach(self) -> str:
        """See :class:`~shared.ports.connections.Reachable`: the list of models costs nothing."""
        asked = "list models"
        local = is_loopback(urlsplit(self._base_url).hostname)
        headers = {"Authorization": f"Bearer {await self._bearer()}"}
        async with (
            posting(_SYSTEM, asked, changes=False),
            session(self._timeout_seconds, local=local) as client,
        ):
            answer = await client.get(f"{self._base_url}models", headers=headers)
        checked(_SYSTEM, asked, answer, changes=False)
        return f"it lists its models; {self.name} is the one to ask"

    async def _bearer(self) -> str:
        given = self._credential()
        try:
            return given if isinstance(given, str) else str(await given())
        except Exception as error:  # of the identity's own
            raise Refused(_SYSTEM, f"no token: {type(error).__name__}", status=401) from error

    async def _body(self, question: Question) -> bytes:
        import httpx2
        from openai import AsyncOpenAI, Omit

        transport = httpx2.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            timeout=self._timeout_seconds,
            event_hooks={"response": [_only_answers]},
        )
        client = AsyncOpenAI(
            api_key=self._credential(),
            base_url=self._base_url,
            max_retries=0,
            timeout=self._timeout_seconds,
            http_client=transport,
            default_headers={"Accept-Encoding": "identity"},
        )
        wanted: Any = {
            "type": "json_schema",
            "json_schema": {
                "name": question.name,
                "strict": True,
                "schema": question.schema_of_answer,
            },
        }
        # Of other installations: the variables that the SDK takes these from are not ours.
        strange = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
        async with (
            client,
            client.chat.completions.with_streaming_response.create(
                model=self.name,
                messages=[
                    {"role": "system", "content": question.system},
                    {"role": "user", "content": question.user},
                ],
                response_format=wanted,
                max_completion_tokens=MAX_OUTPUT_TOKENS,
                extra_headers=strange,
            ) as answer,
        ):
            return await _read(answer.http_response)

    def _credential(self) -> Any:
        if self._key is not None:
            return self._key
        if urlsplit(self._base_url).scheme != "https":
            return _NO_KEY
        if self._tokens is None:
            from azure.identity.aio import get_bearer_token_provider

            self._tokens = get_bearer_token_provider(async_credential(), SCOPE)
        return self._tokens


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    total_tokens: int | None = None


class _Completion(BaseModel):
    """The part of a chat completion we rely on."""

    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


def _reply(body: bytes) -> Reply:
    try:
        completion = _Completion.model_validate(json.loads(body))
    except (ValidationError, ValueError, RecursionError):
        raise ModelUnavailable("it answered something else than a completion") from None
    choice = completion.choices[0]
    if choice.message.refusal:
        raise ModelUnavailable("it refused to answer")
    if choice.finish_reason not in {None, "stop"}:
        known = {"length": "its answer was cut off", "content_filter": "its answer was filtered"}
        raise ModelUnavailable(known.get(choice.finish_reason, "it did not finish its answer"))
    if not choice.message.content:
        raise ModelUnavailable("its answer is empty")
    tokens = completion.usage.total_tokens if completion.usage else None
    return Reply(text=choice.message.content, tokens=tokens)


async def _only_answers(response: Any) -> None:
    """Look at the head of an answer, so that no body is read that is of no use."""
    if not 200 <= response.status_code < 300:
        raise ModelUnavailable(f"it answered HTTP {response.status_code}")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ModelUnavailable("its answer is compressed")


async def _read(response: Any) -> bytes:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise ModelUnavailable(f"its answer has more than {MAX_ANSWER_BYTES // 1024} kB")
    return bytes(body)


def _meaning(error: BaseException) -> ModelUnavailable:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ModelUnavailable):
            return cause
        cause = cause.__cause__ or cause.__context__
    # Only the kind: the text of an error may quote the answer, or the request and its key.
    return ModelUnavailable(f"it cannot be asked: {type(error).__name__}")
