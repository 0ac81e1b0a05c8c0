"""The embedded default: one SQLite file, crash-safe."""

from shared.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
