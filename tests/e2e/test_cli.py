"""``python -m mend`` against a running host: tables for people, JSON for scripts, no traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.processes import ROOT
from mend.command import main
from simulators.adf.scenarios import SCENARIOS
from simulators.client import AdfSimulator
from tests.e2e.test_healing import HEALS
from tests.support.mend import Mend


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def body(self) -> Any:
        """Return the output as JSON."""
        return json.loads(self.out)


Cli = Callable[..., Said]


@pytest.fixture
def cli(base_url: str, mend: Mend, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Return a function that runs one command against the host."""
    _ = mend  # in Auto, with the kill switch off

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        try:
            code = main(["--url", base_url, *arguments])
        except SystemExit as error:  # argparse
            code = int(str(error.code))
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Said(code, said.out, said.err)

    return run


def healed(mend: Mend, adf: AdfSimulator, name: str) -> str:
    """Let a pipeline fail, wait until it is healed and return the ticket's id."""
    ticket_id = mend.report(adf.seed_scenario(SCENARIOS["sql_transient"], pipeline=name))
    assert mend.await_end(ticket_id)["outcome"] == "healed"
    return ticket_id


def asked(mend: Mend, adf: AdfSimulator, name: str) -> tuple[str, str]:
    """Let a pipeline fail in HIL and return the ids of its ticket and of the question."""
    mend.put("execution-mode", {"mode": "hil"})
    ticket_id = mend.report(adf.seed_scenario(SCENARIOS["sql_transient"], pipeline=name))
    ticket = mend.await_ticket(ticket_id, lambda one: one["status"] == "awaiting_approval")
    return ticket_id, str(ticket["approval"]["id"])


def test_a_ticket_and_its_story(adf: AdfSimulator, mend: Mend, cli: Cli) -> None:
    """The list, one of it, and both as JSON wherever ``--json`` stands."""
    ticket_id = healed(mend, adf, "cli_story")

    listed = cli("tickets", "--q", "cli_story", "--status", "resolved")
    story = cli("show", ticket_id)

    assert listed.code == story.code == 0
    assert ticket_id in listed.out
    assert "cli_story" in listed.out
    assert "ticket.opened" in story.out
    assert "decision.made" in story.out
    assert "resolved, healed" in story.out
    assert "settings version" in story.out
    assert cli("tickets", "--q", "cli_story", "--json").body["items"][0]["id"] == ticket_id
    told = cli("--json", "show", ticket_id).body
    assert [one["seq"] for one in told["events"]] == list(range(1, len(told["events"]) + 1))
    assert cli("tickets", "--q", "nothing-is-called-that").out.strip() == "none"


def test_a_yes_and_a_no(adf: AdfSimulator, mend: Mend, cli: Cli) -> None:
    """About exactly the plan there is; who comes late is told so."""
    ticket_id, question = asked(mend, adf, "cli_yes")
    assert question in cli("approvals").out

    said = cli("approve", question, "--reason", "go on")

    assert (said.code, "approved" in said.out) == (0, True)
    assert mend.await_end(ticket_id)["outcome"] == "healed"
    late = cli("reject", question, "--reason", "too late")
    assert (late.code, late.out) == (1, "")
    assert "already_decided" in late.err

    ticket_id, question = asked(mend, adf, "cli_no")
    assert cli("reject", question).code == 2
    assert cli("reject", question, "--reason", "month end").code == 0
    assert mend.await_end(ticket_id)["outcome"] == "rejected"


def test_asking_for_an_action(adf: AdfSimulator, mend: Mend, cli: Cli) -> None:
    """``remediate`` sends the machine out once more; what cannot be done is told."""
    run = adf.seed_scenario(SCENARIOS["expired_secret"], pipeline="cli_remediate")
    adf.script(run.pipeline, [HEALS])
    ticket_id = mend.report(run)
    mend.await_end(ticket_id)

    refused = cli("remediate", ticket_id, "--action", "make_coffee")
    assert (refused.code, "action" in refused.err) == (1, True)
    said = cli("remediate", ticket_id, "--action", "rerun_pipeline", "--reason", "it is renewed")
    assert (said.code, "rerun_pipeline is asked for" in said.out) == (0, True)
    assert mend.await_end(ticket_id)["outcome"] == "healed"


def test_stopping_a_ticket(adf: AdfSimulator, mend: Mend, cli: Cli) -> None:
    """``cancel`` ends what waits for people."""
    ticket_id, _ = asked(mend, adf, "cli_cancel")

    assert cli("cancel", ticket_id, "--reason", "not now").code == 0
    assert mend.await_end(ticket_id)["outcome"] == "cancelled"
    assert cli("cancel", ticket_id).code == 1


def test_the_mode(cli: Cli) -> None:
    """Read, switched in part, and refused where it makes no sense."""
    assert cli("mode").out.split(",")[0] == "auto"
    assert cli("mode", "hil", "--threshold", "0.9", "--json").body == {
        "mode": "hil",
        "confidence_threshold": 0.9,
    }
    assert cli("mode", "auto").out.strip() == "auto, confidence threshold 0.9"
    for wrong in ("nan", "2", "much"):
        assert cli("mode", "--threshold", wrong).code == 2


def test_a_narrow_kill_switch_stops_one_target(adf: AdfSimulator, mend: Mend, cli: Cli) -> None:
    """One pipeline stands still, the others are healed."""
    turned = cli("kill", "on", "--scope", "target:CLI_KILLED", "--reason", "a drill")
    try:
        assert "target:CLI_KILLED" in turned.out
        run = adf.seed_scenario(SCENARIOS["sql_transient"], pipeline="cli_killed")
        stopped = mend.await_end(mend.report(run))
        healed(mend, adf, "cli_not_killed")
    finally:
        off = cli("kill", "off", "--scope", "target:cli_killed", "--reason", "over", "--json")

    assert (stopped["status"], stopped["outcome"]) == ("escalated", "not_remediable")
    assert "kill switch is on for target:CLI_KILLED: a drill" in str(stopped["decision"])
    assert (off.body["scope"], off.body["on"], off.body["others"]) == ("global", False, [])
    assert cli("kill").code == 0
    wrong = cli("kill", "on", "--scope", "action:everything")
    assert (wrong.code, "scope" in wrong.err) == (1, True)


def test_trying_a_policy(adf: AdfSimulator, mend: Mend, cli: Cli, tmp_path: Path) -> None:
    """The file's settings are judged by what was decided; nothing is changed by it."""
    ticket_id = healed(mend, adf, "cli_replay")
    before = mend.http.get("/v1/settings/policy").json()
    file = tmp_path / "candidate.json"
    file.write_text(json.dumps({"policy": {"allowed_actions": {"cli_replay": []}}, "hours": 1}))

    found = cli("replay", str(file), "--json")
    read = cli("replay", str(file))

    changes = [one for one in found.body["changes"] if one["ticket_id"] == ticket_id]
    assert [(one["before"], one["after"]) for one in changes] == [("execute", "escalate")]
    assert changes[0]["because"][0].startswith("allowed:")
    assert found.body["mismatches"] == []
    assert found.code == read.code == 0
    assert ticket_id in read.out
    assert mend.http.get("/v1/settings/policy").json() == before

    file.write_text(json.dumps({"policy": {"freezes": [{"name": "f"}]}}))
    refused = cli("replay", str(file))
    assert (refused.code, "policy.freezes.0.start" in refused.err) == (1, True)
    for text in ("{", "[]", '{"hours": NaN}'):
        file.write_text(text)
        assert cli("replay", str(file)).code == 2
    assert cli("replay", str(tmp_path / "none.json")).code == 2


def test_versions_of_the_policy(mend: Mend) -> None:
    """Who changed what; the ticket says which version was used."""
    first = mend.put("policy", {"running": 199}).json()["version"]
    mend.put("policy", {"running": 200})

    newest, before = mend.http.get("/v1/settings/policy/versions?limit=2").json()["items"]

    assert (newest["version"], before["version"]) == (first + 1, first)
    assert newest["changes"] == [{"field": "running", "before": 199, "after": 200}]
    assert newest["by"] == "local user"


def test_the_audit_trail(cli: Cli) -> None:
    """Whole, with a head to note; one that was never part of it is found out."""
    found = cli("audit", "verify", "--json")
    head = found.body["head"]
    noted = f"{head['seq']}:{head['hash']}"

    assert (found.code, found.body["whole"]) == (0, True)
    assert "whole" in cli("audit", "verify", "--head", noted).out
    forged = cli("audit", "verify", "--head", f"{head['seq']}:{'0' * 64}")
    assert (forged.code, "NOT WHOLE" in forged.out) == (1, True)


def test_what_is_left_over(mend: Mend, cli: Cli) -> None:
    """Listed, and driven again."""
    good = {
        "status": "firing",
        "labels": {"alertname": "DiskFull", "service": "cli", "instance": "db-09:9100"},
        "startsAt": "2026-11-20T02:00:00Z",
    }
    bad = {"status": "odd\x1b[2J"}
    mend.post({"version": "4", "status": "firing", "alerts": [good, bad, 7]}, "alertmanager")

    listed = cli("dead-letters", "--json").body["items"]
    dead = listed[0]["id"]

    assert dead in cli("dead-letters").out
    assert "\x1b" not in cli("dead-letters").out
    assert "0 accepted" in cli("redrive", dead, "--reason", "mended").out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", "TIK-NONE"), 1, "not_found"),
        (("approve", "APR-NONE"), 1, "not_found"),
        (("redrive", "../../settings"), 1, "error"),
        (("tickets", "--status", "strange"), 1, "status"),
        (("tickets", "--limit", "0"), 1, "limit"),
        (("--url", "http://127.0.0.1:9", "tickets"), 1, "does not answer"),
        (("--url", "nonsense", "tickets"), 2, "no URL"),
        (("--url", "http://example.org", "--token", "t", "tickets"), 2, "https"),
        (("tickets", "--q", "\udcff"), 2, "cannot be sent"),
        (("fly",), 2, "invalid choice"),
        ((), 2, "COMMAND"),
    ],
)
def test_what_goes_wrong_is_a_sentence(
    cli: Cli, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """On the error stream, with an exit code; nothing on the other one."""
    said = cli(*arguments)

    assert (said.code, said.out) == (code, "")
    assert words in said.err


def test_a_problem_as_json(cli: Cli) -> None:
    """The problem document itself."""
    said = cli("--json", "show", "TIK-NONE")

    assert json.loads(said.err)["code"] == "not_found"


def test_as_a_program(base_url: str) -> None:
    """It starts by its name, and imports nothing but itself and libraries."""
    script = (
        "import sys, mend.command; sys.exit(mend.command.main(['mode']) or "
        "any(one.split('.')[0] in {'shared', 'triggers', 'azure'} for one in sys.modules))"
    )
    for command in (["-m", "mend", "mode"], ["-c", script]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, "MEND_URL": base_url, "PYTHONIOENCODING": "ascii"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "confidence threshold" in done.stdout
