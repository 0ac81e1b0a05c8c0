"""In which order. Deterministic generators: no clock, no chance, no environment, no IO."""
