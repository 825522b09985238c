"""Dependencies of the routes: settings, authentication and the user id."""

import hmac
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from smart_kit.errors import NotAuthenticated

from ..config.settings import Settings

_bearer = HTTPBearer(auto_error=False, description="SERVICE_API_TOKEN of .env")


def _get_settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


CurrentSettings = Annotated[Settings, Depends(_get_settings)]


def authenticate(
    settings: CurrentSettings,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """Raises NotAuthenticated unless the request has the service token."""
    token = credentials.credentials if credentials else ""
    expected = settings.service_api_token.get_secret_value()
    if not hmac.compare_digest(token.encode(), expected.encode()):
        raise NotAuthenticated


def validate_user_id(user_id: UUID) -> UUID:
    """Validate the owner of the calendar: `users.id`, not a Telegram id."""
    return user_id
