"""What operators may do to messages, one lever a file; each safe under two operators at once, each
with its reason in the audit."""
