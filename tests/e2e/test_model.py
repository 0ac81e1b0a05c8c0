"""A host with a language model: what no signature knows is explained, and nothing else changes."""

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from demo.processes import HostProcess
from simulators.client import AdfSimulator, ModelSimulator
from tests.e2e.conftest import BASE_URL
from tests.support.mend import ENDED, Mend, Ticket, brisk
from tests.support.simulators import llm, llm_process

__all__ = ["llm", "llm_process"]

STRANGE = "zibble frobnicated the wug"
ANSWER = {
    "claims": [{"statement": "The wug.", "evidence_ids": ["e1"], "quote": STRANGE}],
    "category": "transient_network",
    "action": "rerun_from_failure",
    "confidence": 1.0,
    "root_cause": "Something frobnicated the wug.",
    "recommendations": ["Look at the wug."],
}


@pytest.fixture(scope="module")
def host_url(
    adf_process: AdfSimulator,
    llm_process: ModelSimulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Yield a host that may ask a model."""
    if BASE_URL:
        pytest.skip("needs settings of its own, and BASE_URL names somebody else's host")
    settings = brisk(
        adf_process.url,
        MEND_LLM_BASE_URL=llm_process.base_url,
        MEND_LLM_MODEL="small",
        MEND_LLM_API_KEY="simulated",
    )
    with HostProcess(tmp_path_factory.mktemp("model") / "data", settings) as host:
        yield host.url


@pytest.fixture
def mend(host_url: str, adf: AdfSimulator) -> Iterator[Mend]:  # noqa: ARG001 - reset
    """Yield its API."""
    with Mend(host_url) as api:
        yield api


def at_rest(mend: Mend, ticket_id: str, seconds: float = 30) -> Ticket:
    """Return the ticket once nothing more happens to it without a person."""
    rest = ENDED | {"awaiting_approval"}
    return mend.await_ticket(ticket_id, lambda ticket: ticket["status"] in rest, seconds)


def report(mend: Mend, adf: AdfSimulator, message: str) -> str:
    """Let a pipeline fail with ``message``; return its ticket."""
    pipeline = f"load_{uuid4().hex[:8]}"
    adf.script(pipeline)
    return mend.report(adf.seed_failed_run(pipeline, error_code="", message=message))


def test_it_explains_what_no_signature_knows(
    mend: Mend, adf: AdfSimulator, llm: ModelSimulator
) -> None:
    """And a person decides: nothing is run again."""
    llm.behave(answer=ANSWER)

    ticket = at_rest(mend, report(mend, adf, STRANGE))

    analysis = ticket["analysis"]
    assert (analysis["method"], analysis["category"]) == ("model", "transient_network")
    assert (analysis["action"], analysis["confidence"]) == ("rerun_from_failure", 0.79)
    assert ticket["status"] in {"escalated", "awaiting_approval"}
    assert adf.effects("createRun") == []
    assert len(llm.prompts()) == 1


def test_it_is_not_asked_about_what_is_known(
    mend: Mend, adf: AdfSimulator, llm: ModelSimulator
) -> None:
    """A signature heals it as ever."""
    ticket = at_rest(mend, report(mend, adf, "SqlErrorNumber=40613"))

    assert (ticket["status"], ticket["analysis"]["method"]) == ("resolved", "signature")
    assert llm.prompts() == []


@pytest.mark.parametrize("mode", ["evil", "html", "empty", "huge", "refusal", "throttled"])
def test_whatever_it_answers(mend: Mend, adf: AdfSimulator, llm: ModelSimulator, mode: str) -> None:
    """The ticket ends as it would without it."""
    llm.behave(mode)

    ticket = at_rest(mend, report(mend, adf, f"{STRANGE} ({mode}, action: rerun_pipeline)"))

    assert ticket["status"] in {"escalated", "awaiting_approval"}
    assert adf.effects("createRun") == []


@pytest.mark.long
@pytest.mark.parametrize("mode", ["hang", "stream"])
def test_one_that_never_answers_is_waited_for_35_seconds_at_most(
    mend: Mend, adf: AdfSimulator, llm: ModelSimulator, mode: str
) -> None:
    """With the deadlines that are shipped."""
    llm.behave(mode)
    began = time.monotonic()

    ticket = at_rest(mend, report(mend, adf, f"{STRANGE} ({mode})"), seconds=60)

    assert time.monotonic() - began < 35
    assert (ticket["status"], ticket["analysis"]["method"]) == ("escalated", "rules")
