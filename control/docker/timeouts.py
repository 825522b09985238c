"""How long Docker mode waits, in seconds where nothing else is said."""

START_TIMEOUT_SECONDS = 60.0
"""Since the last container became well: what is not well then is given up."""
UNHEALTHY_TIMEOUT_SECONDS = 30.0
"""The same for what runs and says itself what it misses, such as Telegram: it is only named."""
MAX_FAILURES = 3
"""How many times a service may end during a start before it is given up; a task ends for good after
as many tries (docker-compose.yml)."""
OUTPUT_TIMEOUT_SECONDS = 600.0
"""How long `docker compose` may print nothing while it builds or fetches images."""
ENGINE_TIMEOUT_SECONDS = 10.0
"""How long the engine may take to answer what costs it nothing."""
COMMAND_TIMEOUT_SECONDS = 60.0
"""The same of `docker compose`, and of what costs the engine something."""
STOP_TIMEOUT_SECONDS = 240.0
"""How long stopping may take: a service gets 20 s, a database 60 s."""
POLL_SECONDS = 0.5
