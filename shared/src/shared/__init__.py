"""Contracts and plumbing that every service stands on."""
