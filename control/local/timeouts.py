"""How long commands of local mode wait for each other and look, in seconds."""

LOCK_TIMEOUT_SECONDS = 5.0
"""For another command that starts, stops or changes what runs."""
PICKUP_TIMEOUT_SECONDS = 10.0
"""For a supervisor to take what it is told, also one that is just being started."""
POLL_SECONDS = 0.1
