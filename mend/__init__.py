"""``python -m mend``: Mend from a terminal, over HTTP."""
