"""What can be done about a failure: each action's risk and how it may be repeated."""
