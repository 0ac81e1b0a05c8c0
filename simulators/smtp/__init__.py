"""A simulated mail server."""
