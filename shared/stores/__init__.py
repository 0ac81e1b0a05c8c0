"""Where tickets, claims and settings live; each passes the same contract tests."""
