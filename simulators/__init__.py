"""Stand-ins for the outside world, each in its own process behind its real wire format.

A simulator is three things: ``model.py`` (behaviour without HTTP), ``app.py`` (paths and
JSON as the real service has them) and ``README.md`` (what is true to life, with sources).
What they share is in ``kit/``. To add one: a folder beside ``adf`` and a line in
``registry.py``. Nothing in here imports the product that is tested against it.
"""
