"""The connector to a language model, against one in another process that misbehaves."""

import asyncio
import time
from typing import Any

import pytest

import shared.connectors.openai_model as connector
from shared.connectors.openai_model import OpenAiModel
from shared.diagnosis.model.question import Question, strict
from shared.domain.errors import ModelUnavailable
from simulators.client import ModelSimulator
from tests.support.simulators import llm, llm_process

__all__ = ["llm", "llm_process"]

QUESTION = Question(
    name="cause",
    system="Say one word.",
    user="<evidence>{}</evidence>",
    schema_of_answer=strict({"word": {"type": "string", "enum": ["yes", "no"]}}),
)
TIMEOUT = 1.0


def model(llm: ModelSimulator, **options: Any) -> OpenAiModel:
    """Return a connector with a deadline that a test can wait for."""
    return OpenAiModel(llm.base_url, "small", "key", **{"timeout_seconds": TIMEOUT, **options})


async def test_a_question_is_answered(llm: ModelSimulator) -> None:
    """Once, with the schema, the size and nothing that belongs to another installation."""
    llm.behave(answer={"word": "yes"}, tokens=77)

    reply = await model(llm, timeout_seconds=20).ask(QUESTION)

    (entry,) = llm.ledger()
    assert (reply.text, reply.tokens) == ('{"word": "yes"}', 77)
    body: Any = entry.body
    assert (entry.path, body["model"]) == ("/v1/chat/completions", "small")
    assert [one["role"] for one in body["messages"]] == ["system", "user"]
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["response_format"]["json_schema"]["schema"] == QUESTION.schema_of_answer
    assert body["max_completion_tokens"] == 1_000
    assert not body.get("stream")


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("html", "something else"),
        ("empty", "something else"),
        ("huge", "more than 64 kB"),
        ("refusal", "refused"),
        ("filtered", "filtered"),
        ("cut_off", "cut off"),
        ("throttled", "HTTP 429"),
        ("redirect", "HTTP 307"),
        ("hang", "within"),
        ("stream", "within"),
    ],
)
async def test_every_way_to_fail_is_one_error(llm: ModelSimulator, mode: str, why: str) -> None:
    """In time, asked once, and with nothing of the answer in its words."""
    llm.behave(mode)
    began = time.monotonic()

    with pytest.raises(ModelUnavailable, match=why):
        await model(llm, timeout_seconds=TIMEOUT if why == "within" else 10).ask(QUESTION)

    assert time.monotonic() - began < 5
    assert len(llm.ledger()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        "refuse_503", "error_500_before", "html_502_before", "unauthorized_401", "forbidden_403",
        "not_found_404", "conflict_409_retry_after", "reset_before", "reset_after", "html_200",
        "truncated_json", "wrong_schema", "slow_before", "hold",
    ],
)  # fmt: skip
async def test_every_fault_of_the_wire_is_that_error_too(llm: ModelSimulator, fault: str) -> None:
    """Whatever is between us and the endpoint."""
    llm.fault("createChatCompletion", fault)

    with pytest.raises(ModelUnavailable):
        await model(llm).ask(QUESTION)

    assert len(llm.ledger()) <= 1


async def test_a_redirect_is_not_followed(llm: ModelSimulator) -> None:
    """It would carry the prompt, and perhaps the key, to somebody else."""
    llm.behave("redirect", redirect_to=f"{llm.url}/openai/v1/chat/completions")

    with pytest.raises(ModelUnavailable, match="307"):
        await model(llm).ask(QUESTION)

    assert len(llm.ledger()) == 1


async def test_a_proxy_of_the_environment_is_not_used(
    llm: ModelSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor an organisation of it: only settings decide where prompts go."""
    llm.behave(answer={"word": "no"})
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")

    assert (await model(llm, timeout_seconds=20).ask(QUESTION)).text == '{"word": "no"}'


async def test_nobody_there() -> None:
    """Nothing listens on port 1."""
    nobody = OpenAiModel("http://127.0.0.1:1/v1/", "small", "key", timeout_seconds=5)
    with pytest.raises(ModelUnavailable):
        await nobody.ask(QUESTION)


async def test_a_credential_that_fails_is_that_error_too(
    llm: ModelSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that hangs ends with the deadline; its words are not repeated."""

    async def fails() -> str:
        raise RuntimeError("secret of the credential")

    async def hangs() -> str:
        await asyncio.sleep(3600)
        return "never"

    for provider in (fails, hangs):
        asked = model(llm)
        monkeypatch.setattr(asked, "_credential", lambda provider=provider: provider)
        with pytest.raises(ModelUnavailable) as caught:
            await asked.ask(QUESTION)
        assert "secret" not in str(caught.value)
    assert llm.ledger() == []


async def test_cancelling_is_not_failing(llm: ModelSimulator) -> None:
    """Whoever waits may stop waiting: that is no answer of the model's."""
    llm.behave("hang")
    task = asyncio.create_task(model(llm, timeout_seconds=60).ask(QUESTION))
    await asyncio.sleep(0.3)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


def test_without_a_key_identity_is_for_https_only() -> None:
    """A token would not travel in the clear, and a server on this machine wants none."""
    assert OpenAiModel("http://127.0.0.1:1/v1/", "m")._credential() == "none"
    assert callable(OpenAiModel("https://example.test/openai/v1/", "m")._credential())


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b'"x"', b"{}", b'{"choices": []}', b'{"choices": [{}]}',
        b'{"choices": [{"message": {"content": 5}}]}', b'{"choices": [{"message": {}}]}',
        b'{"choices": [{"message": {"content": ""}}]}', b"\xff\xfe", b"[" * 60_000,
        b'{"choices": [{"message": {"content": "x"}, "finish_reason": "tool_calls"}]}',
    ],
)  # fmt: skip
def test_what_is_no_completion(body: bytes) -> None:
    """One error, and never the SDK's or the parser's."""
    with pytest.raises(ModelUnavailable):
        connector._reply(body)
