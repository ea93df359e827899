"""`python -m bench`: the bench without the product's command around it."""

from bench.command import app

if __name__ == "__main__":
    app()
