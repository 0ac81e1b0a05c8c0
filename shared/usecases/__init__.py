"""One file per thing the system does. Here, and only here, effects are put in order."""
