"""The services that people are told through."""

from tests.support.simulators import (
    jira,
    jira_process,
    slack,
    slack_process,
    smtp,
    smtp_process,
    teams,
    teams_process,
)

__all__ = [
    "jira",
    "jira_process",
    "slack",
    "slack_process",
    "smtp",
    "smtp_process",
    "teams",
    "teams_process",
]
