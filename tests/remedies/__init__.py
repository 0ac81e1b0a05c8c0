"""Each step of each action, over systems of record that a test scripts."""
