"""`python -m forebear`, as `forebear`."""

import sys

from .registry.cli import main

if __name__ == "__main__":
    sys.exit(main())
