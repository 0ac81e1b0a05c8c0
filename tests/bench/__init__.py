"""The measuring code itself: what a figure says, what the load generator accepts."""
