"""OneRoster 1.2 in CSV (1EdTech) as the roster part of the school's lists (DESIGN §4)."""
