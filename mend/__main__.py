"""Entry point of ``python -m mend``."""

import sys

from mend.command import main

if __name__ == "__main__":
    sys.exit(main())
