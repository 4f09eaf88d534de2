"""How records travel between services: one port, two implementations."""
