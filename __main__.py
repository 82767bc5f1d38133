"""`python -m forebear`, as `forebear`."""

from .registry.cli import process

if __name__ == "__main__":
    process()
