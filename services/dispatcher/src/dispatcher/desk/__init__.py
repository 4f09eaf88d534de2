"""The secretary's desk: applications, consent sheets, contacts and what becomes of them (DESIGN §10)."""
