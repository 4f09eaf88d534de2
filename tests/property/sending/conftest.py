"""`office`, as the integration tests know it."""

from integration.sending.conftest import office

__all__ = ["office"]
