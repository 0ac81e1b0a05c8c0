"""Jira Cloud: an issue per ticket, with comments as things happen, moved as the ticket ends.

Facts: Atlassian, "The Jira Cloud platform REST API", v3. Issues are found by labels, of which
every issue has three: ``mend``, ``mend-<ticket>`` and ``mend-fp-<fingerprint>``. The search knows
of a change only after some seconds; who has just lost an answer waits for it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from shared.connectors.http_wire import checked, posting, session
from shared.connectors.jira_document import comment_of, description_of, texts_in
from shared.domain.errors import Refused, Transient
from shared.domain.notification import Remembered
from shared.domain.ticket import Status, Ticket
from shared.ports.clock import Clock
from shared.ports.notifications import Intend, News, Told
from shared.telling.entries import entry_of
from shared.telling.phase import needs_own
from shared.telling.picture import Paint, clean

_SYSTEM = "jira"
_RELAPSE = "-24h"
_INDEX_SECONDS = 60.0
_ASK_AGAIN_SECONDS = 15.0
_PAGE = 100
_LIKED = ("done", "resolved", "resolve issue", "closed", "close issue")
_DISLIKED = re.compile(r"won.?t|cancel|duplicate|reject|declin|invalid", re.IGNORECASE)
When = Literal["always", "escalated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraSite:
    """Where issues are, and as whom they are written.

    Attributes:
        token: API token of ``user``: a secret.
        project: The project's key.
        local: It is on this machine.
    """

    base_url: str
    user: str
    token: str
    project: str
    issue_type: str = "Task"
    local: bool = False


class Jira:
    """Implements :class:`~shared.ports.notifications.Notifier`.

    Args:
        when: A ticket gets an issue when it opens, or when it needs a person.
        paint: Makes the picture that is shown.
        timeout_seconds: For connecting and for the answer, each.
    """

    name = "jira"
    pause_seconds = 0.2

    def __init__(
        self,
        site: JiraSite,
        when: When,
        paint: Paint,
        clock: Clock,
        *,
        timeout_seconds: float = 8,
    ) -> None:
        self._site = site
        self._when = when
        self._paint = paint
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def reach(self) -> str:
        """See :class:`~shared.ports.connections.Reachable`."""
        found = await self._call("GET", f"project/{self._site.project}")
        return f"it shows project {clean(found.get('key') or self._site.project, 100)}"

    async def tell(self, news: News, remembered: Remembered, intend: Intend) -> Told:
        """See the protocol."""
        ticket = news.ticket
        try:
            if remembered.message:
                return await self._go_on(news, remembered, intend)
            if self._has_issue(news):
                return await self._begin(news, remembered, intend)
            if ticket.parent_id and ticket.status is Status.ESCALATED:
                return await self._tell_in_incident(news, remembered, intend)
        except Refused as error:
            if error.status != 404 or not remembered.message:
                raise
            # Somebody has deleted the issue, and meant it.
            remembered = remembered.model_copy(update={"marks": {"deleted": True}})
        return Told(_up_to_date(remembered, news))

    def _has_issue(self, news: News) -> bool:
        ticket = news.ticket
        if ticket.parent_id:
            return needs_own(ticket, news.parent)
        return self._when == "always" or ticket.status is Status.ESCALATED

    async def _begin(self, news: News, remembered: Remembered, intend: Intend) -> Told:
        ticket = news.ticket
        own = await self._search(f'labels = "{_label(ticket)}"')
        if own:
            return Told(remembered.model_copy(update={"message": own[0], "marks": {}}))
        if news.in_doubt and remembered.sending_since is not None:
            age = (self._clock.now() - remembered.sending_since).total_seconds()
            if age < _INDEX_SECONDS:
                raise Transient(
                    _SYSTEM,
                    "an issue may have been created that cannot be found yet",
                    retry_after_seconds=_ASK_AGAIN_SECONDS,
                )
        before = await self._search(f'labels = "{_family(ticket)}" AND updated >= "{_RELAPSE}"')
        if before:
            changes = {"update": {"labels": [{"add": _label(ticket)}]}}
            await self._call("PUT", f"issue/{before[0]}", changes, changes=False)
            marks = {"message": before[0], "marks": {"relapse": True}, "seq": ticket.last_seq}
            return Told(remembered.model_copy(update=marks), sent=True)
        await intend()
        key = await self._create(ticket)
        created = {"message": key, "marks": {"moved": "open"}, "seq": ticket.last_seq}
        return Told(remembered.model_copy(update=created), sent=True)

    async def _create(self, ticket: Ticket) -> str:
        picture = self._paint(ticket)
        fields = {
            "project": {"key": self._site.project},
            "issuetype": {"name": self._site.issue_type},
            "summary": picture.headline,
            "description": description_of(picture),
            "labels": ["mend", _label(ticket), _family(ticket)],
        }
        created = await self._call("POST", "issue", {"fields": fields}, changes=True)
        async with posting(_SYSTEM, "issue", changes=True):
            return str(created["key"])

    async def _go_on(self, news: News, remembered: Remembered, intend: Intend) -> Told:
        ticket, marks = news.ticket, remembered.marks
        if marks.get("deleted"):
            return Told(_up_to_date(remembered, news))
        if marks.get("relapse"):
            picture = self._paint(ticket)
            entry = f"It is back: {picture.headline}"
            sent = await self._comment_once(news, remembered, entry, "again", intend)
            left = {name: mark for name, mark in marks.items() if name != "relapse"}
            return Told(remembered.model_copy(update={"marks": left}), sent=sent)
        for event in news.events:
            told = entry_of(event, ticket)
            if told is not None:
                step = str(event.seq)
                sent = await self._comment_once(news, remembered, told, step, intend)
                return Told(remembered.model_copy(update={"seq": event.seq}), sent=sent)
        if not news.all_events:
            return Told(remembered.model_copy(update={"seq": news.events[-1].seq}))
        wanted = "done" if ticket.status in {Status.RESOLVED, Status.CLOSED} else "open"
        if marks.get("moved") != wanted:
            # Once per end or beginning: what people do to the issue afterwards stays.
            sent = await self._move(remembered.message, wanted)
            moved = {"marks": {**marks, "moved": wanted}}
            return Told(remembered.model_copy(update=moved), sent=sent)
        return Told(_up_to_date(remembered, news))

    async def _tell_in_incident(self, news: News, remembered: Remembered, intend: Intend) -> Told:
        if remembered.marks.get("commented"):
            return Told(_up_to_date(remembered, news))
        if news.thread is None or not news.thread.message:
            return Told(remembered)
        entry = self._paint(news.ticket).headline
        sent = await self._comment_once(news, news.thread, entry, "part", intend)
        after = remembered.model_copy(update={"marks": {"commented": True}})
        return Told(_up_to_date(after, news), sent=sent)

    async def _comment_once(
        self, news: News, remembered: Remembered, entry: str, step: str, intend: Intend
    ) -> bool:
        """Add a comment unless it is there; ``False``: it was."""
        path, mark = f"issue/{remembered.message}/comment", f"{news.ticket.id}, {step}"
        if news.in_doubt:
            asked = {"maxResults": str(_PAGE), "orderBy": "-created"}
            found = await self._call("GET", path, query=asked)
            async with posting(_SYSTEM, "comments", changes=False):
                comments = [text for one in found["comments"] for text in texts_in(one["body"])]
            if mark in comments:
                return False
        await intend()
        document = comment_of(entry, mark, self._paint(news.ticket).url)
        await self._call("POST", path, {"body": document}, changes=True)
        return True

    async def _move(self, key: str, wanted: str) -> bool:
        """Take the transition that leads where it should be; ``False``: it is there."""
        issue = await self._call("GET", f"issue/{key}", query={"fields": "status"})
        path = f"issue/{key}/transitions"
        async with posting(_SYSTEM, "issue", changes=False):
            if (_category(issue["fields"]["status"]) == "done") is (wanted == "done"):
                return False
        found = await self._call("GET", path)
        async with posting(_SYSTEM, "transitions", changes=False):
            chosen = _chosen(found["transitions"], wanted)
        if chosen is None:
            raise Refused(_SYSTEM, f"{key}: no transition leads to a status that is {wanted}")
        # Taken twice it leads nowhere else.
        await self._call("POST", path, {"transition": {"id": chosen}}, changes=False)
        return True

    async def _search(self, condition: str) -> list[str]:
        """Return the keys of the issues that fit, newest first."""
        jql = f'project = "{self._site.project}" AND {condition} ORDER BY created DESC'
        asked = {"jql": jql, "fields": "status", "maxResults": "10"}
        found = await self._call("GET", "search/jql", query=asked)
        async with posting(_SYSTEM, "search", changes=False):
            return [str(issue["key"]) for issue in found["issues"]]

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        changes: bool = False,
    ) -> dict[str, Any]:
        site = self._site
        url = f"{site.base_url}/rest/api/3/{quote(path)}"
        asked = f"{method} {path}"
        async with (
            posting(_SYSTEM, asked, changes=changes),
            session(self._timeout_seconds, (site.user, site.token), local=site.local) as client,
        ):
            answer = await client.request(method, url, json=body, params=query)
        checked(_SYSTEM, asked, answer, changes=changes)
        if not answer.content:
            return {}
        async with posting(_SYSTEM, asked, changes=changes):
            return dict(answer.json())


def _up_to_date(remembered: Remembered, news: News) -> Remembered:
    ticket = news.ticket
    return remembered.model_copy(update={"version": ticket.version, "seq": ticket.last_seq})


def _label(ticket: Ticket) -> str:
    return f"mend-{_plain(ticket.id)}"


def _family(ticket: Ticket) -> str:
    return f"mend-fp-{_plain(ticket.fingerprint)[:16]}"


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9-]", "-", text.lower())


def _category(status: Mapping[str, Any]) -> str:
    return str(status["statusCategory"]["key"])


def _chosen(transitions: Sequence[Mapping[str, Any]], wanted: str) -> str | None:
    """Return the id of the transition that leads there best; ``None``: none does."""
    order = ("done",) if wanted == "done" else ("new", "indeterminate")

    def rank(one: Mapping[str, Any]) -> tuple[int, bool, int]:
        name = str(one["name"]).lower()
        liked = _LIKED.index(name) if name in _LIKED else len(_LIKED)
        return order.index(_category(one["to"])), bool(_DISLIKED.search(name)), liked

    fitting = [one for one in transitions if _category(one["to"]) in order]
    return str(min(fitting, key=rank)["id"]) if fitting else None
