"""What ``scripts/check_infra.py`` looks at: a file per subject, each with a ``check`` function."""
