"""All services in one process, and the vestnik command."""
