"""People's pages: one look, one guard, one language switch for every service (docs/architecture/pages.md)."""
