"""Schemas roster and ingest; a landed revision is never edited."""
