"""Withdrawal and leaving carried out: orders of destruction, their carrying out, the act (R-B7, R-B8)."""
