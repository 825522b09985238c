"""The sandbox's settings, read from the environment."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from smart_kit.rest_client import RestClientSettings
from smart_kit.settings import StateSettings
from smart_kit.urls import HttpUrl

_LOCAL_HOSTS = ("localhost", "sandbox", "host.docker.internal")
"""Names of this machine, seen from the machine itself and from its containers."""


class SandboxSettings(StateSettings):
    """The sandbox's port, the token of its one bot and the token of the chat page."""

    sandbox_port: int = 8080
    """The port of the sandbox: the chat page and the stand-ins for Telegram and the model
    server."""
    telegram_token: SecretStr
    """The token of the sandbox's bot."""
    sandbox_chat_token: SecretStr = Field(min_length=16)
    """The token that opens the sandbox's chat page."""
    openai_base_url: str | None = None
    """The model server. The chat page names it if it is not on this machine."""
    rest_service_url: HttpUrl = "http://127.0.0.1:8000"
    """The URL of rest_service. Empty: the one that manage.py starts."""
    service_api_token: SecretStr | None = Field(None, min_length=16)
    """The token by which the services identify themselves to each other."""

    @property
    def clock_client_settings(self) -> RestClientSettings | None:
        """The address of the service that keeps the clock; None if the clock cannot be moved."""
        if not self.sandbox_clock or self.service_api_token is None:
            return None
        return RestClientSettings(
            rest_service_url=self.rest_service_url, service_api_token=self.service_api_token
        )

    @property
    def remote_model_host(self) -> str | None:
        """The host that receives the messages; None if the model runs on this machine."""
        if self.openai_base_url is None:
            return None
        host = urlsplit(self.openai_base_url).hostname or self.openai_base_url
        try:
            is_local = ip_address(host).is_loopback
        except ValueError:
            is_local = host in _LOCAL_HOSTS
        return None if is_local else host
