"""Client of rest_service. It returns contracts and raises the errors of smart_kit.errors."""

import ssl
from typing import Any, TypeVar
from uuid import UUID

import httpx2
import stamina
import structlog
from pydantic import BaseModel, Field, SecretStr, ValidationError

from smart_kit.errors import DOMAIN_ERRORS, InvalidRequest, UpstreamRejected, UpstreamUnavailable
from smart_kit.settings import ServiceSettings
from smart_kit.tls import get_ssl_context
from smart_kit.urls import HttpUrl

ModelT = TypeVar("ModelT", bound=BaseModel)

MAX_ATTEMPTS = 3
"""Attempts of a repeatable request: any but a POST without an idempotency key."""

TRANSPORT_ERRORS = (httpx2.TransportError, AttributeError)
"""anyio raises AttributeError for a connection that is reset before it is used."""

_KEEPALIVE_SECONDS = 3.0
"""uvicorn closes connections after 5 idle seconds; a request at that moment gets no response."""

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
        self, settings: RestClientSettings, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        token = settings.service_api_token.get_secret_value()
        self._http = httpx2.AsyncClient(
            base_url=f"{settings.rest_service_url}/api",
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx2.Timeout(10.0, connect=2.0),
            limits=httpx2.Limits(keepalive_expiry=_KEEPALIVE_SECONDS),
            transport=transport,
            verify=choose_ssl_context(settings.rest_service_url),
            trust_env=False,  # the operator's proxy is not meant for internal calls
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

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
        headers = _build_headers(user_id, idempotency_key)
        response = await self._send(method, path, body, headers, params, max_attempts)
        try:
            return response_type.model_validate_json(response.content)
        except ValidationError as error:
            raise UpstreamRejected(f"rest_service: not a {response_type.__name__}") from error

    async def send(self, method: str, path: str, *, body: BaseModel | None = None) -> None:
        """Send a request whose response has no body."""
        await self._send(method, path, body, _build_headers())

    async def _send(
        self,
        method: str,
        path: str,
        body: BaseModel | None,
        headers: dict[str, str],
        params: dict[str, Any] | None = None,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> httpx2.Response:
        content = body.model_dump_json(exclude_unset=True) if body is not None else None
        request = self._http.build_request(
            method, path, content=content, headers=headers, params=params
        )
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
                return await self._send_once(request)
        raise AssertionError("the last attempt raises")

    async def _send_once(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await self._http.send(request)
        except TRANSPORT_ERRORS as error:
            reason = str(error) or type(error).__name__
            raise UpstreamUnavailable(f"rest_service: {reason}") from error
        if response.is_success:
            return response
        raise _to_error(response)


def choose_ssl_context(url: str) -> ssl.SSLContext:
    """Return the system's certificates only if they are needed: they take 2 MB and 70 ms."""
    if url.lower().startswith("https:"):
        return get_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nothing


def _build_headers(
    user_id: UUID | None = None, idempotency_key: str | None = None
) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if user_id is not None:
        headers["X-User-Id"] = str(user_id)
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    if correlation_id := structlog.contextvars.get_contextvars().get("correlation_id"):
        headers["X-Correlation-Id"] = correlation_id  # the log lines of rest_service carry it too
    return headers


def _to_error(response: httpx2.Response) -> Exception:
    status = response.status_code
    try:
        detail = str(response.json()["detail"])
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
