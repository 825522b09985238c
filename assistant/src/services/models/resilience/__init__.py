"""Retry policy and circuit breakers of model calls."""
