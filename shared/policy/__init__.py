"""Facts to verdicts to one decision with reasons. Pure: no clock, no store, no network."""
