"""The real process, killed at random moments."""
