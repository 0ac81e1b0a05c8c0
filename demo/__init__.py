"""Mend at work on simulated failures: host and simulators on loopback, nothing else needed."""
