"""One server behind the OpenAI protocol, asked with one key."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import httpx2
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient

from smart_kit.errors import UpstreamUnavailable
from smart_kit.tls import get_ssl_context

from ....core.errors import StreamInterrupted
from .error_responses import error_from_body, error_from_response
from .sse import limit_bytes, parse_json, read_head
from .streaming import CONNECTION_OR_JSON_ERRORS, StreamAccumulator, StreamListener, read_stream

CONNECT_TIMEOUT_SECONDS = 5.0
ATTEMPT_TIMEOUT_SECONDS = 60.0
"""A model that takes longer than this for an answer is not worth waiting for."""

_LIMITS = httpx2.Limits(max_connections=100, keepalive_expiry=30.0)
"""People pause longer than the usual 5 s between messages; a new TLS connection costs them time."""
_TIMEOUT = httpx2.Timeout(ATTEMPT_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS)
_HEADERS = {"Content-Type": "application/json"}
_NON_STREAM_TYPES = ("json", "html", "xml")
"""Types of an answer that is no stream, whatever was asked for."""


class Endpoint:
    """Asks through the SDK's bare `post` over its aiohttp client.

    Its typed calls cost four times as much, mostly for types that are not read; retries are ours.
    The client is made with the first request, and again if one comes after the endpoint was closed.
    """

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self._api_key = api_key
        self._client: AsyncOpenAI | None = None

    async def send(
        self,
        path: str,
        body: bytes,
        timeout_seconds: float,
        accumulator: StreamAccumulator | None = None,
        listener: StreamListener | None = None,
    ) -> object:
        """Post a request, wait so long; returns the JSON of the answer.

        With an `assembly` the answer comes as a stream, and the `listener` hears it grow. Raises
        UpstreamUnavailable, UpstreamRejected and those of core.errors.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                response = await self._exchange(path, body, accumulator, listener)
        except TimeoutError as error:
            reason = f"No answer within {timeout_seconds:.0f} s"
            if accumulator is None or not accumulator.has_started:
                raise UpstreamUnavailable(reason) from error
            if not accumulator.is_complete:
                raise StreamInterrupted(reason) from error
            response = accumulator.build_response()
        if (api_error := error_from_body(response, body)) is not None:
            raise api_error
        return response

    async def _exchange(
        self,
        path: str,
        body: bytes,
        accumulator: StreamAccumulator | None,
        listener: StreamListener | None,
    ) -> object:
        response = await self._post(path, body)
        try:
            kind = response.headers.get("content-type", "")
            if accumulator is not None and not any(name in kind for name in _NON_STREAM_TYPES):
                return await read_stream(response.aiter_bytes(), accumulator, listener)
            with _translate_errors():
                chunks = [chunk async for chunk in limit_bytes(response.aiter_bytes())]
                return parse_json(b"".join(chunks))
        finally:
            await response.aclose()

    async def _post(self, path: str, body: bytes) -> httpx2.Response:
        """Its answer is not read yet, so that it can be read as far as is sensible."""
        with _translate_errors():
            stream = await self._get_client().post(
                path,
                content=body,
                cast_to=object,
                options={"headers": _HEADERS},
                stream=True,
                stream_cls=AsyncStream[object],
            )
        return stream.response

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _get_client(self) -> AsyncOpenAI:
        if self._client is None:
            self._client = _OpenAIClient(
                api_key=self._api_key,
                base_url=self.base_url,
                max_retries=0,
                timeout=_TIMEOUT,
                http_client=DefaultAioHttpClient(
                    timeout=_TIMEOUT,
                    limits=_LIMITS,
                    verify=get_ssl_context(),
                    follow_redirects=False,
                    event_hooks={"response": [_raise_for_status]},
                ),
            )
        return self._client


class _OpenAIClient(AsyncOpenAI):
    """Without what the SDK takes from the environment: it would go to every provider."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.organization = self.project = None
        self._custom_headers = {}


async def _raise_for_status(response: httpx2.Response) -> None:
    """Raises what another status than 2xx means: the SDK would read all that comes with it."""
    if response.is_success:
        return
    head = await read_head(response.aiter_bytes())
    body: object = head.decode(errors="replace")
    with contextlib.suppress(ValueError, RecursionError):
        body = parse_json(head)
    raise error_from_response(
        response.status_code, body, response.headers, response.request.content
    )


@contextlib.contextmanager
def _translate_errors() -> Iterator[None]:
    """Turns what a connection raises into what is decided by."""
    try:
        yield
    except CONNECTION_OR_JSON_ERRORS as error:
        reason = f"{type(error).__name__}: {error.__cause__ or error}"
        raise UpstreamUnavailable(reason) from error
