"""What can be typed. Exit codes: 0 done, 1 refused or not well, 2 typed wrongly."""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from mend import show
from mend.api import Api, Body, Misused, Refused

_URL = "http://127.0.0.1:7071"
DONE, FAILED, MISUSED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found, how it looks, and whether all is well."""

    body: Body
    draw: Callable[[Console], None]
    code: int = DONE


Command = Callable[[Api, argparse.Namespace], Answer]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; whatever goes wrong is a sentence."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a character
            stream.reconfigure(errors="replace")
    chosen = _parser().parse_args(arguments)
    as_json = getattr(chosen, "json", False)
    try:
        url = getattr(chosen, "url", "") or os.environ.get("MEND_URL", "") or _URL
        token = getattr(chosen, "token", "") or os.environ.get("MEND_TOKEN", "")
        with Api(url, token) as api:
            answer = chosen.run(api, chosen)
        _say(answer, as_json=as_json)
    except Misused as error:
        return _complain(str(error), as_json=as_json, code=MISUSED)
    except Refused as error:
        return _refused(error.document, as_json=as_json)
    except (KeyError, TypeError, IndexError, AttributeError):
        return _complain(
            "the answer is not what this release understands; --json shows it as it is",
            as_json=as_json,
            code=FAILED,
        )
    except KeyboardInterrupt:
        return _complain("stopped", as_json=as_json, code=FAILED)
    except BrokenPipeError:  # the reader, a pager say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return int(answer.code)


def _say(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(answer.body, indent=1))
    else:
        answer.draw(show.console())
    sys.stdout.flush()


def _refused(document: Body, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(document, indent=1), file=sys.stderr)
    else:
        show.problem(show.console(error=True), document)
    return FAILED


def _complain(text: str, *, as_json: bool, code: int) -> int:
    if as_json:
        print(json.dumps({"detail": text}), file=sys.stderr)
    else:
        show.console(error=True).print(show.plain(f"error: {text}"))
    return code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--url", help=f"of Mend; else $MEND_URL, else {_URL}")
    common.add_argument("--token", help="bearer token; better in $MEND_TOKEN, where ps is blind")
    common.add_argument("--json", action="store_true", help="the API's answer as it is")
    parser = argparse.ArgumentParser(
        prog="python -m mend", description="Mend from a terminal, over HTTP.", parents=[common]
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=text, description=text, parents=[common])
        found.set_defaults(run=run)
        return found

    listed = add("tickets", _tickets, "list tickets, the newest first")
    for name in ("status", "severity"):
        listed.add_argument(f"--{name}", default="", help="any of these, with commas")
    listed.add_argument("--q", default="", help="words of the ticket")
    listed.add_argument("--limit", type=int, default=50)
    add("show", _show, "one ticket and its story").add_argument("id")
    add("approvals", _approvals, "what waits for people")
    approve = add("approve", _decide("approve"), "agree to exactly the present plan")
    approve.add_argument("id")
    approve.add_argument("--reason", default="")
    reject = add("reject", _decide("reject"), "say no")
    reject.add_argument("id")
    reject.add_argument("--reason", required=True)
    mode = add("mode", _mode, "read or switch the execution mode")
    mode.add_argument("mode", nargs="?", choices=("auto", "hil"))
    mode.add_argument("--threshold", type=_share, help="confidence, from 0 to 1")
    kill = add("kill", _kill, "read or turn the kill switch")
    kill.add_argument("state", nargs="?", choices=("on", "off"))
    kill.add_argument(
        "--scope", default="global", help="global, environment:NAME, target:NAME or action:NAME"
    )
    kill.add_argument("--reason", default="")
    replay = add("replay", _replay, "what other policy settings would have decided")
    replay.add_argument("file", type=Path, help='{"policy": {...}, "mode": {...}, "hours": 168}')
    audit = add("audit", _verify, "whether the audit trail is whole")
    audit.add_argument("what", choices=("verify",))
    audit.add_argument("--head", default="", help="SEQ:HASH as noted earlier")
    add("dead-letters", _dead_letters, "deliveries of which something is left over")
    redrive = add("redrive", _redrive, "deal once more with what is left over of a delivery")
    redrive.add_argument("id")
    redrive.add_argument("--reason", default="")
    remediate = add("remediate", _remediate, "ask for an action on an escalated ticket")
    remediate.add_argument("id")
    remediate.add_argument("--action", default="", help="without: what the cause suggests")
    remediate.add_argument("--reason", default="")
    cancel = add("cancel", _cancel, "stop, now or after the attempt that is under way")
    cancel.add_argument("id")
    cancel.add_argument("--reason", default="")
    return parser


def _share(text: str) -> float:
    """Return a number from 0 to 1.

    Raises:
        ValueError: it is none; argparse says so.
    """
    found = float(text)
    if not 0 <= found <= 1:
        raise ValueError(text)
    return found


def _tickets(api: Api, chosen: argparse.Namespace) -> Answer:
    names = ("status", "severity", "q")
    filters = {name: getattr(chosen, name) for name in names if getattr(chosen, name)}
    body = api.get("tickets", limit=chosen.limit, **filters)
    return Answer(body, lambda out: show.tickets(out, body))


def _show(api: Api, chosen: argparse.Namespace) -> Answer:
    ticket = api.get("tickets", chosen.id)
    events = list(api.events(chosen.id))
    return Answer({"ticket": ticket, "events": events}, lambda out: show.story(out, ticket, events))


def _approvals(api: Api, _: argparse.Namespace) -> Answer:
    body = api.get("approvals", status="pending", limit=200)
    return Answer(body, lambda out: show.approvals(out, body))


def _decide(word: str) -> Command:
    def decide(api: Api, chosen: argparse.Namespace) -> Answer:
        plan = api.get("approvals", chosen.id)["plan_hash"]
        said = {"decision": word, "reason": chosen.reason, "plan_hash": plan}
        body = api.post("approvals", chosen.id, "decision", body=said)
        return Answer(body, lambda out: show.decided(out, body))

    return decide


def _mode(api: Api, chosen: argparse.Namespace) -> Answer:
    change = {"mode": chosen.mode, "confidence_threshold": chosen.threshold}
    given = {name: value for name, value in change.items() if value is not None}
    where = ("settings", "execution-mode")
    body = api.put(*where, body=given) if given else api.get(*where)
    return Answer(body, lambda out: show.mode(out, body))


def _kill(api: Api, chosen: argparse.Namespace) -> Answer:
    where = ("settings", "kill-switch")
    if chosen.state is None:
        body = api.get(*where)
    else:
        turned = {"scope": chosen.scope, "on": chosen.state == "on", "reason": chosen.reason}
        body = api.put(*where, body=turned)
    return Answer(body, lambda out: show.switches(out, body))


def _replay(api: Api, chosen: argparse.Namespace) -> Answer:
    body = api.post("policy", "replay", body=_read(chosen.file))
    code = FAILED if body["mismatches"] else DONE
    return Answer(body, lambda out: show.replay(out, body), code)


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"), parse_constant=_no_number)
    except OSError as error:
        raise Misused(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise Misused(f"{file} is no JSON") from None
    if not isinstance(found, dict):
        raise Misused(f"{file} is no JSON object")
    return found


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _verify(api: Api, chosen: argparse.Namespace) -> Answer:
    noted = {"head": chosen.head} if chosen.head else {}
    body = api.get("audit", "verify", **noted)
    code = DONE if body["whole"] else FAILED
    return Answer(body, lambda out: show.verified(out, body), code)


def _dead_letters(api: Api, _: argparse.Namespace) -> Answer:
    body = api.get("intake", "dead-letters", limit=200)
    return Answer(body, lambda out: show.dead_letters(out, body))


def _redrive(api: Api, chosen: argparse.Namespace) -> Answer:
    said = {"reason": chosen.reason}
    body = api.post("intake", "dead-letters", chosen.id, "redrive", body=said)
    return Answer(body, lambda out: show.received(out, body))


def _remediate(api: Api, chosen: argparse.Namespace) -> Answer:
    action = {"action": chosen.action} if chosen.action else {}
    said = {"reason": chosen.reason, **action}
    body = api.post("tickets", chosen.id, "remediate", body=said)
    return Answer(body, lambda out: show.requested(out, body))


def _cancel(api: Api, chosen: argparse.Namespace) -> Answer:
    body = api.post("tickets", chosen.id, "cancel", body={"reason": chosen.reason})
    return Answer(body, lambda out: show.stopping(out, body))
