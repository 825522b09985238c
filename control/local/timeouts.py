"""Timeouts of local mode, in seconds."""

LOCK_TIMEOUT_SECONDS = 5.0
"""How long to wait for another command that starts, stops or changes the suite."""
PICKUP_TIMEOUT_SECONDS = 10.0
"""How long the supervisor may take to read a changed state, even while it is starting."""
POLL_SECONDS = 0.1
