"""A simulated language model behind an OpenAI-compatible endpoint."""
