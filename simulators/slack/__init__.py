"""A simulated Slack workspace: channels, messages, threads, buttons."""
