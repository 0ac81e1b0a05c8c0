"""What the use cases need from outside, as protocols; the docstrings are the contract."""
