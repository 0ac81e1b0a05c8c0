"""What becomes of the verdicts when a language model is asked about the rest.

Only rows whose cause no signature knows are asked about, one after the other, as the app
does; what the model may say is bounded by the same code. Its endpoint comes from the same
settings (``MEND_LLM_BASE_URL``, ``MEND_LLM_MODEL``, ``MEND_LLM_API_KEY``).
"""

import asyncio
from collections.abc import Sequence

from bench.corpus import Row
from shared.actions.catalogue import CATALOGUE
from shared.connectors.openai_model import OpenAiModel
from shared.container import SystemClock
from shared.diagnosis.diagnose import diagnose
from shared.diagnosis.model.diagnosis import ask_for_cause
from shared.diagnosis.model.verdict import verdict
from shared.diagnosis.redact import redact
from shared.domain.analysis import Analysis, Evidence
from shared.domain.errors import ModelUnavailable
from shared.settings import Settings, settings
from shared.stores.memory import MemoryStore
from shared.usecases.analyse import is_known
from shared.usecases.ask_model import Advisor

# A whole corpus in one go; the budget of an installation is not touched.
_TOKENS = 100_000_000


def advisor_of_settings() -> Advisor | None:
    """Return the model that the settings name, with a budget of its own; ``None``: none."""
    chosen: Settings = settings()
    if chosen.mend_llm_base_url is None or chosen.mend_llm_model is None:
        return None
    key = chosen.mend_llm_api_key
    model = OpenAiModel(
        chosen.mend_llm_base_url, chosen.mend_llm_model, key.get_secret_value() if key else None
    )
    return Advisor(model, MemoryStore(), SystemClock(), _TOKENS)


def advised(rows: Sequence[Row], advisor: Advisor) -> dict[str, Analysis]:
    """Return the verdict on each row, by its id; the rules' own where they know, or it does not."""
    return asyncio.run(_advised(rows, advisor))


async def _advised(rows: Sequence[Row], advisor: Advisor) -> dict[str, Analysis]:
    return {row.id: await _verdict(row, advisor) for row in rows}


async def _verdict(row: Row, advisor: Advisor) -> Analysis:
    facts = row.facts()
    before = diagnose(facts)
    if is_known(before):
        return before
    pieces = [Evidence(id="e1", source=_source(row), text=redact(row.message))]
    catalogue = {action for platform, action in CATALOGUE if platform is facts.platform}
    question, sent = ask_for_cause(facts.platform, "Failed", pieces, catalogue)
    try:
        return await advisor.ask(
            question,
            lambda answer: verdict(answer, sent, facts.platform, catalogue, before),
            about=row.id,
            seconds=30.0,
        )
    except ModelUnavailable:
        return before


def _source(row: Row) -> str:
    return f"{row.platform}.error {row.error_code or ''}".strip()
