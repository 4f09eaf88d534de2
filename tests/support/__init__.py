"""What tests of several packages share: a fresh database, a broker, a bus, killed processes.

Imported as `support` (the tests folder is on sys.path by way of conftest).
"""
