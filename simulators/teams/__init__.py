"""A simulated Teams workflow that posts cards into a channel."""
