"""Schemas consent, people and dispatch; a landed revision is never edited."""
