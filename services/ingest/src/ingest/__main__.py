"""`python -m ingest`: ingest in a process of its own."""

from ingest.app import build
from shared.serve import run

if __name__ == "__main__":
    run("ingest", build)
