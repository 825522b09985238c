"""What cron_service reads from its environment."""

from pydantic import Field

from smart_kit.settings import RedisSettings, RestClientSettings


class Settings(RedisSettings, RestClientSettings):
    """Redis, rest_service, and the port of `/health` and `/metrics`."""

    cron_service_port: int = Field(8003, ge=1, le=65535)
    """The port of /health and /metrics of cron_service."""
