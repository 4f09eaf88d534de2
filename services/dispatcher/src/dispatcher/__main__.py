"""`python -m dispatcher`: the dispatcher alone in its process."""

from dispatcher.app import build
from shared.serve import run

if __name__ == "__main__":
    run("dispatcher", build)
