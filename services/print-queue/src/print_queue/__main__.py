"""`python -m print_queue`: the print queue in a process of its own."""

from print_queue.app import build
from shared.serve import run

if __name__ == "__main__":
    run("print_queue", build)
