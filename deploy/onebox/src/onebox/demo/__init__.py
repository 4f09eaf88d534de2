"""One school week through the real services, against the sandbox, about a minute long."""
