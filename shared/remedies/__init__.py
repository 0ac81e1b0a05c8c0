"""How each step of an action is taken: one module per kind of thing, one class per step.

To add a step: a class with the methods of :class:`~shared.remedies.step.Step`, a name in
:class:`~shared.domain.attempt.StepKind`, a line in :mod:`shared.remedies.registry`; to make
an action of it, an entry in :mod:`shared.actions.catalogue`. The conformance tests in
``tests/remedies`` then hold it to the same rules as all others.
"""
