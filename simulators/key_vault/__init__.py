"""A simulated Key Vault: secrets with versions."""
