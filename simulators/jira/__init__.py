"""A simulated Jira: issues, comments, transitions, and a search that lags."""
