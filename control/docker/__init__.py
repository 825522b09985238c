"""Docker mode: the suite as containers of docker-compose.yml."""
