"""Benchmarks: ``python -m bench`` prints one JSON line per figure.

One module per benchmark (``chain``, ``monitors``, ...), listed in :mod:`bench.registry`.
``app`` is the small Functions app they run; ``engines`` are the programs that run the
same five-step chain on other durable engines, in an environment of their own.
"""
