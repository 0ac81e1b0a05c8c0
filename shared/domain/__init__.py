"""Values and legal moves. Imports the standard library and pydantic, nothing else."""
