"""Docker mode: the suite as docker-compose.yml describes it."""
