"""Deciding: for each change and guardian whether, what, where and when (DESIGN §6)."""
