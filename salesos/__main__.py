"""`python -m salesos` is `salesos`."""

from salesos.cli import app

if __name__ == "__main__":
    app()
