"""From a webhook's raw bytes to normalised alerts.

Start at :mod:`shared.intake.registry`. Everything here is pure: nothing is stored,
fetched or logged, and the only errors are ``InvalidInput`` and ``NotFound``.
"""
