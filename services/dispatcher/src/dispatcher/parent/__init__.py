"""Parents' own pages: coming in by a one-time link, what was told and why, settings, papers (R-D1, R-C7)."""
