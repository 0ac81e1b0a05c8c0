"""``python -m demo``: let pipelines and jobs fail in simulators and watch Mend heal them."""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
from rich.console import Console
from rich.live import Live

from demo import dashboard
from demo.processes import ROOT, HostDidNotStart, HostProcess
from demo.show import Journey, count, progress, summary
from demo.signing_in import PEOPLE, Reception
from demo.stories import STORIES, Scene, Story, changes_made
from shared.domain.approval import Approval
from shared.security.approval_links import ApprovalLinks
from shared.signing import local_keys
from simulators.client import SimulatorError

_DEADLINE_SECONDS = 120.0
_LOOK_SECONDS = 0.2
_PORT = 7071


def main() -> int:
    """Run the demo; 0 only if every ticket ended as its story has it."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(".data/demo"), help="folder to use")
    parser.add_argument("--keep", action="store_true", help="leave all running afterwards")
    parser.add_argument(
        "--up", action="store_true", help="host, simulators and dashboard until Ctrl-C"
    )
    parser.add_argument(
        "--sign-in", action="store_true", help="with --up: people sign in to a simulated Entra ID"
    )
    parser.add_argument("--port", type=int, help="of the host (7071 with --keep and --up)")
    chosen = parser.parse_args()
    if chosen.sign_in and not chosen.up:
        parser.error("--sign-in goes with --up")
    console = Console()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the children stop too
    try:
        return _run(chosen, console)
    except (HostDidNotStart, SimulatorError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 0


def _run(chosen: argparse.Namespace, console: Console) -> int:
    folder: Path = chosen.data if not chosen.up else chosen.data.parent / "up"
    if not chosen.up:  # the demo starts from nothing; what `up` made is kept
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    stays = chosen.keep or chosen.up
    port = chosen.port if chosen.port is not None else (_PORT if stays else 0)
    building = _Building(folder / "dashboard.log") if stays else None
    with Scene.set_up() as scene, ExitStack() as beside:
        reception = (
            beside.enter_context(Reception.open(folder, f"http://127.0.0.1:{port}"))
            if chosen.sign_in
            else None
        )
        for name, service in (
            ("Data Factory", scene.adf),
            ("Databricks", scene.databricks),
            ("Logic App", scene.logic_app),
        ):
            console.print(
                f"Simulated {name} at {service.url} (its calls: {service.url}/_sim/ledger)"
            )
        host = _host(folder, scene, reception, port)
        with host:
            console.print(f"Mend at {host.url} (tickets: {host.url}/api/v1/tickets)")
            console.print(f"Its log: {host.log}")
            if chosen.up:
                _show_something(host.url, scene, reception, console)
            code = 0 if chosen.up else _tell(host.url, scene, folder, console)
            if building is not None:
                console.print("All is running. Ctrl-C stops it.")
                building.wait(host.url, reception, console)
                while True:
                    time.sleep(3600)
    return code


class _Building:
    """The dashboard, built beside everything else; whatever happens to it stops nothing."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with log.open("w") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "demo.dashboard"],
                cwd=ROOT,
                stdout=said,
                stderr=said,
            )

    def wait(self, url: str, reception: Reception | None, console: Console) -> None:
        """Tell where the dashboard is, or why there is none."""
        try:
            if self._process.wait() == 0:
                if reception is not None:
                    reception.furnish(dashboard.ROOT / "dist")
                    console.print(f"People who may sign in: {', '.join(PEOPLE)}")
                console.print(f"Dashboard: {url}/")
            else:
                console.print(f"No dashboard, everything else works. Why: {self._log}")
        except KeyboardInterrupt:
            self._process.terminate()
            self._process.wait()
            raise


def _host(folder: Path, scene: Scene, reception: Reception | None, port: int) -> HostProcess:
    """Return the host; one where people sign in has a store and pages of its own."""
    if reception is None:
        return HostProcess(folder / "host", scene.settings(), port=port)
    settings = {**scene.settings(), **reception.settings()}
    return HostProcess(folder / "host-sign-in", settings, port=port, site=reception.site)


def _show_something(url: str, scene: Scene, reception: Reception | None, console: Console) -> None:
    """Let the stories happen where there is nothing to look at yet."""
    looking = reception.as_viewer() if reception else {}
    reporting = reception.as_sender() if reception else {}
    with httpx.Client(base_url=f"{url}/api", headers=reporting, timeout=30, trust_env=False) as api:
        answer = api.get("/v1/tickets", params={"limit": 1}, headers=looking)
        if answer.status_code == 200 and not answer.json()["items"]:
            for story in STORIES:
                _report(story, scene, api)
            console.print(f"{len(STORIES)} failures were just reported, to have something to see.")


def _tell(url: str, scene: Scene, folder: Path, console: Console) -> int:
    began = time.monotonic()
    links = ApprovalLinks(local_keys(folder / "host"), url)
    with httpx.Client(base_url=f"{url}/api", timeout=30, trust_env=False) as api:
        journeys = [_report(story, scene, api) for story in STORIES]
        deadline = began + _DEADLINE_SECONDS
        with Live(progress(journeys), console=console, refresh_per_second=8) as live:
            while time.monotonic() < deadline and not all(one.is_over for one in journeys):
                for journey in journeys:
                    _look(journey, api)
                    if journey.story.person_agrees and not journey.has_agreed:
                        _agree(journey, api, links, console)
                live.update(progress(journeys))
                time.sleep(_LOOK_SECONDS)
    for journey in journeys:
        journey.changes = changes_made(scene, journey.failure)
    summary(journeys, console)
    seconds = time.monotonic() - began
    fine = not any(journey.surprises for journey in journeys)
    _write(folder / "summary.json", journeys, fine=fine, seconds=seconds)
    verdict = "every ticket ended as expected" if fine else "NOT as expected, see the last column"
    console.print(
        f"{len(journeys)} failures in {seconds:.1f} s: {verdict}. {folder / 'summary.json'}"
    )
    return 0 if fine else 1


def _report(story: Story, scene: Scene, api: httpx.Client) -> Journey:
    failure = story.happen(scene)
    answer = api.post(f"/v1/tickets/webhook/{story.source}", content=failure.alert)
    answer.raise_for_status()
    return Journey(story, failure, answer.json()["tickets"][0]["ticket_id"])


def _look(journey: Journey, api: httpx.Client) -> None:
    path = f"/v1/tickets/{journey.ticket_id}"
    events = api.get(f"{path}/events", params={"after": journey.last_seq}).json()["items"]
    for event in events:
        journey.last_seq = event["seq"]
        journey.latest = event["message"]
        journey.way.append(event["type"])
    journey.ticket = api.get(path).json()


def _agree(journey: Journey, api: httpx.Client, links: ApprovalLinks, console: Console) -> None:
    """Do what the person does who got the link: read it, type what it asks for, agree."""
    asked = journey.ticket.get("approval")
    if journey.status != "awaiting_approval" or not isinstance(asked, dict):
        return
    approval = Approval.model_validate(asked)
    console.print(f"A person is asked: {links.link(approval)}", soft_wrap=True)
    token = links.token(approval)
    shown = api.post("/v1/approvals/by-token", json={"token": token}).json()
    said = {
        "token": token,
        "decision": "approve",
        "challenge": journey.ticket_id[-4:],
        "plan_hash": shown["plan_hash"],
    }
    api.post("/v1/approvals/by-token", json=said).raise_for_status()
    journey.has_agreed = True
    console.print("... and agrees.")


def _write(path: Path, journeys: Sequence[Journey], *, fine: bool, seconds: float) -> None:
    tickets: list[Mapping[str, object]] = [
        {
            "story": journey.story.title,
            "ticket_id": journey.ticket_id,
            "status": journey.status,
            "outcome": journey.ticket.get("outcome"),
            "expected": list(journey.story.ends),
            "attempts": count(journey.ticket.get("attempts")),
            "changes": journey.changes,
            "mttr_minutes": journey.ticket.get("mttr_minutes"),
            "way": journey.way,
            "surprises": journey.surprises,
        }
        for journey in journeys
    ]
    body = {"ok": fine, "seconds": round(seconds, 2), "tickets": tickets}
    path.write_text(json.dumps(body, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
