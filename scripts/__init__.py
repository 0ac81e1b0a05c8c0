"""Programs for people and for ``make``: checks, the package, what a deployment needs."""
