"""The outside world as real servers, for the demo and the tests."""
