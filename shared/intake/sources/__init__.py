"""One module per sender; each is named in :mod:`shared.intake.registry`."""
