"""What all calls to rest_service have in common."""

import asyncio
import json
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import stamina
import structlog
from pydantic import BaseModel, Field, SecretStr, ValidationError

from smart_kit.errors import DOMAIN_ERRORS, InvalidRequest, UpstreamRejected, UpstreamUnavailable
from smart_kit.rest_client.transport import Response, Transport
from smart_kit.settings import ServiceSettings
from smart_kit.urls import HttpUrl

ModelT = TypeVar("ModelT", bound=BaseModel)

MAX_ATTEMPTS = 3
"""Attempts of a repeatable request: any but a POST without an idempotency key."""

TIMEOUT_SECONDS = 10.0
"""Time limit of an attempt, from the connection to the end of the response."""

_ERRORS_BY_STATUS = {error.status_code: error for error in DOMAIN_ERRORS} | {422: InvalidRequest}


class RestClientSettings(ServiceSettings):
    """The address of rest_service and the token for it."""

    rest_service_url: HttpUrl = "http://127.0.0.1:8000"
    """The URL of rest_service. Empty: the one that manage.py starts."""
    service_api_token: SecretStr = Field(min_length=16)
    """The token by which the services identify themselves to each other."""


class ServiceClient:
    """Calls rest_service with the service token. Close it when done.

    Every call raises a DomainError if rest_service refuses the request, UpstreamUnavailable if it
    cannot be reached or fails, and UpstreamRejected for any other response.
    """

    def __init__(
        self,
        settings: RestClientSettings,
        transport: Transport,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._base_url = f"{settings.rest_service_url}/api"
        self._authorization = f"Bearer {settings.service_api_token.get_secret_value()}"
        self._transport = transport
        self._timeout_seconds = timeout_seconds

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def call(
        self,
        method: str,
        path: str,
        response_type: type[ModelT],
        *,
        body: BaseModel | None = None,
        user_id: UUID | None = None,
        idempotency_key: str | None = None,
        params: dict[str, Any] | None = None,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> ModelT:
        """Send a request and parse the response."""
        headers = self._build_headers(user_id, idempotency_key)
        response = await self._send(method, path, body, headers, params, max_attempts)
        try:
            return response_type.model_validate_json(response.body)
        except ValidationError as error:
            raise UpstreamRejected(f"rest_service: not a {response_type.__name__}") from error

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: BaseModel | None = None,
        user_id: UUID | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Send a request whose response has no body."""
        await self._send(method, path, body, self._build_headers(user_id, idempotency_key))

    async def _send(
        self,
        method: str,
        path: str,
        body: BaseModel | None,
        headers: dict[str, str],
        params: dict[str, Any] | None = None,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> Response:
        content = body.model_dump_json(exclude_unset=True).encode() if body is not None else None
        url = f"{self._base_url}{path}"
        if params:
            url = f"{url}?{urlencode(params)}"
        is_repeatable = method != "POST" or "Idempotency-Key" in headers
        # a context manager, because stamina's decorator logs all arguments, including bodies
        async for attempt in stamina.retry_context(
            on=UpstreamUnavailable,
            attempts=max_attempts if is_repeatable else 1,
            wait_initial=0.1,
            wait_max=1.0,
            wait_jitter=0.1,
        ):
            with attempt:
                return await self._send_once(method, url, headers, content)
        raise AssertionError("the last attempt raises")

    async def _send_once(
        self, method: str, url: str, headers: dict[str, str], content: bytes | None
    ) -> Response:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._transport.send(method, url, headers, content)
        except TimeoutError as error:
            reason = f"rest_service: no response within {self._timeout_seconds:g} s"
            raise UpstreamUnavailable(reason) from error
        if 200 <= response.status < 300:
            return response
        raise _to_error(response)

    def _build_headers(
        self, user_id: UUID | None = None, idempotency_key: str | None = None
    ) -> dict[str, str]:
        headers = {"Authorization": self._authorization, "Content-Type": "application/json"}
        if user_id is not None:
            headers["X-User-Id"] = str(user_id)
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        if correlation_id := structlog.contextvars.get_contextvars().get("correlation_id"):
            headers["X-Correlation-Id"] = correlation_id  # rest_service's log lines carry it too
        return headers


def _to_error(response: Response) -> Exception:
    status = response.status
    try:
        detail = str(json.loads(response.body)["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"HTTP {status}"
    if status >= 500 or status == 429:
        wait = response.headers.get("Retry-After", "")
        retry_after = float(wait) if wait.isdecimal() else None
        message = f"rest_service: {detail}"
        return UpstreamUnavailable(message, status=status, retry_after=retry_after)
    if error_type := _ERRORS_BY_STATUS.get(status):
        return error_type(detail)
    return UpstreamRejected(f"rest_service: {detail}", status=status)
