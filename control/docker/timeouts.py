"""Timeouts of Docker mode, in seconds."""

START_TIMEOUT_SECONDS = 60.0
"""Since the last container became healthy. Containers that are still unhealthy then have failed."""
UNHEALTHY_TIMEOUT_SECONDS = 30.0
"""The same for containers whose health check names a missing dependency, e.g. Telegram."""
MAX_FAILURES = 3
"""How often a service may exit during a start. The same for tasks in docker-compose.yml."""
OUTPUT_TIMEOUT_SECONDS = 600.0
"""How long `docker compose` may print nothing while it builds or pulls images."""
ENGINE_TIMEOUT_SECONDS = 10.0
"""How long the engine may take for a trivial request."""
COMMAND_TIMEOUT_SECONDS = 60.0
"""How long `docker compose` may take, and the engine for an expensive request."""
STOP_TIMEOUT_SECONDS = 240.0
"""How long stopping may take: services get 20 s, databases 60 s."""
POLL_SECONDS = 0.5
