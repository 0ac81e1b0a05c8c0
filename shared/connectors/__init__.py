"""One file per outside system. Connectors may be slow or down; they never decide anything."""
