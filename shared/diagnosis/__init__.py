"""From what the system of record says about a failed run to the likely cause.

Pure: facts in, :class:`~shared.domain.analysis.Analysis` out, known signatures
only. ``diagnose.py`` is the way in. A language model, should one ever look at
what no signature explains, stays outside this package: it would be given an
analysis whose ``method`` is ``"none"`` and hand back another.
"""
