"""Schema paper; a landed revision is never edited."""
