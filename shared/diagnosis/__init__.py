"""From what the system of record says about a failed run to the likely cause.

Pure: facts in, :class:`~shared.domain.analysis.Analysis` out. ``diagnose.py`` is the way in
and knows signatures only; ``evidence.py`` puts together what can be cited; ``model/`` is what a
language model is asked where no signature explains a failure, and what is believed of its answer.
"""
