"""A simulated identity provider that signs access tokens and shows its public keys."""
