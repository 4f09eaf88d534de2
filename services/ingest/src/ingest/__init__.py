"""From any journal to one stream of changes."""
