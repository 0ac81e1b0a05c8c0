"""`make eval` with a language model: asked about the rest only, through the app's own boundary."""

from pathlib import Path

import pytest

from bench import evaluate
from shared.settings import settings
from simulators.client import ModelSimulator
from tests.support.simulators import llm, llm_process

__all__ = ["llm", "llm_process"]

KNOWN = "Execution Timeout Expired. The timeout period elapsed prior to completion."
STRANGE = "The widget would not frobnicate today."
CORPUS = f"""\
{{"id": "a", "platform": "adf", "message": "{KNOWN}", "category": "timeout"}}
{{"id": "b", "platform": "adf", "message": "{STRANGE}", "category": "data_error"}}
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Return a corpus with one failure that a signature knows, and one that none does."""
    path = tmp_path / "corpus.jsonl"
    path.write_text(CORPUS)
    return path


def test_it_is_asked_about_what_no_signature_knows(
    llm: ModelSimulator,
    corpus: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And gets a column of its own."""
    monkeypatch.setenv("MEND_LLM_BASE_URL", llm.base_url)
    monkeypatch.setenv("MEND_LLM_MODEL", "small")
    monkeypatch.setenv("MEND_LLM_API_KEY", "simulated")
    settings.cache_clear()

    code = evaluate.main(["--corpus", str(corpus), "--out", str(corpus.with_name("out.jsonl"))])

    settings.cache_clear()
    told = capsys.readouterr().out
    assert code == 0
    assert "with model" in told
    (prompt,) = llm.prompts()
    assert STRANGE in prompt
    assert KNOWN not in prompt


def test_without_one_nobody_is_asked(
    llm: ModelSimulator, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The figures are those of the rules."""
    assert evaluate.main(["--corpus", str(corpus), "--out", str(corpus.with_name("o.jsonl"))]) == 0
    assert "with model" not in capsys.readouterr().out
    assert llm.prompts() == []
