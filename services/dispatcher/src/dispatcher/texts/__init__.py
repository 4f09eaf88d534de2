"""From a message's view to what its reader sees, one renderer a channel.

Every word is in `words/`, `courses` and `templates/<language>`; `guardian.language` chooses (ADR 11).
"""
