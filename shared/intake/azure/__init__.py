"""The kinds of alert that Azure Monitor sends; see shared.intake.sources.azure_monitor."""
