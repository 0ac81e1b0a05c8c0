"""The local host: the pure replayer hardest, then the hub, the engine, and the real process."""
