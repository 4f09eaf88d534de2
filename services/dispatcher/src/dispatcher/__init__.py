"""Who is told what, where and when, and what became of it."""
