"""How long commands of local mode wait for each other and look, in seconds."""

TURN = 5.0
"""For another command that starts, stops or changes what runs."""
HEARING = 10.0
"""For a supervisor to take what it is told, also one that is just being started."""
POLL = 0.1
