"""Issues of one site."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulators.kit.clock import Clock

_MAX_SUMMARY_CHARS = 255
STATUSES = {"To Do": "new", "In Progress": "indeterminate", "Done": "done"}
# Every status can be reached from every other one, as in Jira's simplified workflow.
TRANSITIONS = {"11": "To Do", "21": "In Progress", "31": "Done"}
_CLAUSE = re.compile(r'(project|labels|updated)\s*(=|>=)\s*"([^"]*)"')
_SPAN = re.compile(r"-(\d+)([hm])")


class JiraError(Exception):
    """The call is refused.

    Args:
        status: HTTP status.
        fields: What is wrong, by field; empty key: the call as a whole.
    """

    def __init__(self, status: int, fields: Mapping[str, str]) -> None:
        super().__init__(str(dict(fields)))
        self.status = status
        self.fields = dict(fields)


@dataclass(slots=True)
class Issue:
    """One issue."""

    key: str
    project: str
    summary: str
    description: object
    kind: str
    labels: list[str]
    created: datetime
    updated: datetime
    status: str = "To Do"
    comments: list[dict[str, object]] = field(default_factory=list)
    moves: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Return the issue as the service shows it."""
        return {
            "id": self.key.rpartition("-")[2],
            "key": self.key,
            "fields": {
                "summary": self.summary,
                "description": self.description,
                "labels": self.labels,
                "issuetype": {"name": self.kind},
                "status": status_json(self.status),
                "created": self.created.strftime("%Y-%m-%dT%H:%M:%S.%f%z"),
                "updated": self.updated.strftime("%Y-%m-%dT%H:%M:%S.%f%z"),
            },
        }


class Site:
    """All issues. ``index_seconds``: how long the search does not know of a change."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Be empty, with a search that does not lag."""
        self.issues: list[Issue] = []
        self.index_seconds = 0.0

    def create(self, fields: Mapping[str, object]) -> Issue:
        """Create an issue.

        Raises:
            JiraError: a field is wrong.
        """
        project = _named(fields.get("project"), "key")
        kind = _named(fields.get("issuetype"), "name")
        summary = str(fields.get("summary") or "")
        labels = fields.get("labels") or []
        wrong = {}
        if not project:
            wrong["project"] = "Specify a valid project ID or key"
        if not kind:
            wrong["issuetype"] = "Specify an issue type"
        if not summary or "\n" in summary or len(summary) > _MAX_SUMMARY_CHARS:
            wrong["summary"] = "Summary must be one line of at most 255 characters."
        if not isinstance(labels, list) or any(" " in str(label) for label in labels):
            wrong["labels"] = "The label contains spaces which is invalid."
        if not is_document(fields.get("description")):
            wrong["description"] = "Operation value must be an Atlassian Document"
        if wrong:
            raise JiraError(400, wrong)
        now = self._clock.now()
        issue = Issue(
            key=f"{project}-{len(self.issues) + 1}",
            project=project,
            summary=summary,
            description=fields["description"],
            kind=kind,
            labels=[str(label) for label in labels] if isinstance(labels, list) else [],
            created=now,
            updated=now,
        )
        self.issues.append(issue)
        return issue

    def issue(self, key: str) -> Issue:
        """Return one issue.

        Raises:
            JiraError: there is none.
        """
        for issue in self.issues:
            if issue.key == key:
                return issue
        raise JiraError(404, {"": "Issue does not exist or you do not have permission to see it."})

    def touch(self, issue: Issue) -> None:
        """Note that something about it has changed."""
        issue.updated = self._clock.now()

    def comment(self, key: str, body: object) -> dict[str, object]:
        """Add a comment.

        Raises:
            JiraError: it is no document.
        """
        issue = self.issue(key)
        if not is_document(body):
            raise JiraError(400, {"comment": "Comment body is not valid!"})
        comment: dict[str, object] = {"id": str(10_000 + len(issue.comments)), "body": body}
        issue.comments.append(comment)
        self.touch(issue)
        return comment

    def move(self, key: str, transition: str) -> Issue:
        """Take a transition.

        Raises:
            JiraError: there is none of that id.
        """
        issue = self.issue(key)
        if transition not in TRANSITIONS:
            raise JiraError(400, {"": f"Transition id '{transition}' is not valid for this issue."})
        issue.status = TRANSITIONS[transition]
        issue.moves.append(issue.status)
        self.touch(issue)
        return issue

    def search(self, jql: str) -> list[Issue]:
        """Return the issues that fit, newest first.

        Raises:
            JiraError: it is no JQL that is known here.
        """
        conditions, _, order = jql.partition(" ORDER BY ")
        clauses = _CLAUSE.findall(conditions)
        if not clauses or " AND ".join(f'{a} {b} "{c}"' for a, b, c in clauses) != conditions:
            raise JiraError(400, {"": f"Error in the JQL Query: {conditions}"})
        now = self._clock.now()
        found = [
            issue
            for issue in self.issues
            if issue.updated <= now - timedelta(seconds=self.index_seconds)
            and all(_fits(issue, name, value, now) for name, _, value in clauses)
        ]
        return found[::-1] if "DESC" in order else found


def status_json(name: str) -> dict[str, object]:
    """Return a status as the service shows it."""
    return {"name": name, "statusCategory": {"key": STATUSES[name]}}


def is_document(body: object) -> bool:
    """Tell whether it is a document in Atlassian's format."""
    return (
        isinstance(body, Mapping)
        and body.get("type") == "doc"
        and body.get("version") == 1
        and isinstance(body.get("content"), list)
        and _is_sound(body)
    )


def _is_sound(node: object) -> bool:
    """Tell whether every text has characters, which the real service demands."""
    if not isinstance(node, Mapping):
        return False
    if node.get("type") == "text":
        return bool(node.get("text"))
    content = node.get("content", [])
    return isinstance(content, list) and all(map(_is_sound, content))


def _fits(issue: Issue, name: str, value: str, now: datetime) -> bool:
    if name == "project":
        return issue.project == value
    if name == "labels":
        return value in issue.labels
    span = _SPAN.fullmatch(value)
    if span is None:
        raise JiraError(400, {"": f"Date value '{value}' for field 'updated' is invalid."})
    unit = {"h": "hours", "m": "minutes"}[span[2]]
    return issue.updated >= now - timedelta(**{unit: int(span[1])})


def _named(value: object, name: str) -> str:
    return str(value.get(name) or "") if isinstance(value, Mapping) else ""
