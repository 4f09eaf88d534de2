"""Telling members of staff what services ask them to be told: the topic `staff.notices` (DESIGN §1)."""
