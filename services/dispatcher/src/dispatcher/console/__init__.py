"""The operators' pages below `/dispatcher/`: what waits, what became of everything, and the levers."""
