"""The ways out: one folder entry a channel, each behind the port in base.py."""
