"""`python -m forebear.registry.cli`, as `forebear`."""

from . import process

if __name__ == "__main__":
    process()
