"""`python -m forebear.registry.cli`, as `forebear`."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
