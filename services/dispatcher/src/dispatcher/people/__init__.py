"""Members of staff: accounts, passwords, sessions, one-time links (R-D2, R-F4)."""
