"""The settings of the language model, and what is built from them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import container
from shared.domain.errors import NotConfigured
from shared.settings import settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let no variable of this machine decide a test."""
    for name in list(os.environ):
        if name.startswith(("MEND_", "LOCAL_DATA", "WEBSITE_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LOCAL_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    container.services.cache_clear()
    yield
    settings.cache_clear()
    container.services.cache_clear()


def test_it_is_off_unless_it_has_an_address() -> None:
    """One setting switches it on and off."""
    assert settings().mend_llm_base_url is None
    assert container.services().advisor is None


def test_with_an_address_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its budget; wording is another switch."""
    monkeypatch.setenv("MEND_LLM_BASE_URL", "https://example.openai.azure.com/openai/v1")
    monkeypatch.setenv("MEND_LLM_MODEL", "small")
    monkeypatch.setenv("MEND_LLM_DAILY_TOKENS", "1000")

    advisor = container.services().advisor

    assert advisor is not None
    assert (advisor.model.name, advisor.daily_tokens, advisor.wording) == ("small", 1000, False)
    assert settings().mend_llm_base_url == "https://example.openai.azure.com/openai/v1/"


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("MEND_LLM_BASE_URL", "http://example.test/v1", "MEND_LLM_BASE_URL"),
        ("MEND_LLM_BASE_URL", "https://example.test/v1", "MEND_LLM_MODEL"),
        ("MEND_LLM_DAILY_TOKENS", "-1", "MEND_LLM_DAILY_TOKENS"),
        ("MEND_LLM_WORDING", "maybe", "MEND_LLM_WORDING"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, wrong: str
) -> None:
    """A prompt does not travel in the clear, and a model has a name."""
    monkeypatch.setenv(name, value)

    with pytest.raises(NotConfigured, match=wrong):
        settings()


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the settings nor in what is built from them."""
    monkeypatch.setenv("MEND_LLM_BASE_URL", "https://example.test/v1")
    monkeypatch.setenv("MEND_LLM_MODEL", "small")
    monkeypatch.setenv("MEND_LLM_API_KEY", "sk-sparrow")

    assert "sparrow" not in repr(settings())
    assert "sparrow" not in repr(container.services().advisor)
