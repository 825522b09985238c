"""Settings of cron_service."""

from pydantic import Field

from smart_kit.rest_client import RestClientSettings
from smart_kit.settings import RedisSettings


class Settings(RedisSettings, RestClientSettings):
    """The connections, and the port of `/health` and `/metrics`."""

    cron_service_port: int = Field(8003, ge=1, le=65535)
    """The port of /health and /metrics of cron_service."""
