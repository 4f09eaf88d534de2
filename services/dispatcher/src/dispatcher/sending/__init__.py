"""From due decisions to settled messages, neither losing nor doubling (DESIGN §7)."""
