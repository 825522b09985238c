"""HTTP connections to servers that speak OpenAI's protocol: one for each address and key."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator

import httpx2
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient

from smart_kit.errors import UpstreamUnavailable
from smart_kit.tls import get_ssl_context

from ....core.errors import StreamInterrupted
from .error_responses import error_from_body, error_from_response
from .streaming import (
    CONNECTION_OR_JSON_ERRORS,
    StreamAccumulator,
    StreamListener,
    limit_bytes,
    parse_json,
    read_error_body,
    read_stream,
)

CONNECT_TIMEOUT_SECONDS = 5.0
ATTEMPT_TIMEOUT_SECONDS = 60.0
"""Longest time that one attempt waits for a whole answer."""

_LIMITS = httpx2.Limits(max_connections=100, keepalive_expiry=30.0)
"""Users pause longer than the default 5 s between messages, and a new TLS connection takes time."""
_TIMEOUT = httpx2.Timeout(ATTEMPT_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS)
_NON_STREAM_TYPES = ("json", "html", "xml")
"""Parts of content types of responses that are not streamed, though a stream was requested."""


class Endpoint:
    """One server and one API key. Requests go through the SDK's untyped `post` over aiohttp.

    The SDK's typed calls take four times as long, mostly to build types that nothing here reads.
    Its retries are off, because `services/models/retries.py` decides on them. The client is created
    with the first request, and again with a request after `close`.
    """

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self._api_key = api_key
        self._client: AsyncOpenAI | None = None

    async def post(
        self,
        path: str,
        body: bytes,
        timeout_seconds: float,
        accumulator: StreamAccumulator | None = None,
        listener: StreamListener | None = None,
    ) -> object:
        """Post a request and return the JSON of the response.

        With an `accumulator` the response may be a stream, whose growing text goes to the
        `listener`. Raises UpstreamUnavailable, UpstreamRejected and the errors of core.errors.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                with _translate_errors():
                    stream = await self._get_client().post(
                        path,
                        content=body,
                        cast_to=object,
                        options={"headers": {"Content-Type": "application/json"}},
                        stream=True,  # returns before the body is read: we limit its size
                        stream_cls=AsyncStream[object],
                    )
                response = await _read_response(stream.response, accumulator, listener)
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

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _get_client(self) -> AsyncOpenAI:
        if self._client is None:
            self._client = AsyncOpenAI(
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
            # the SDK reads these from the environment; they would be sent to every provider
            self._client.organization = self._client.project = None
            self._client._custom_headers = {}
        return self._client


class EndpointPool:
    """Keeps endpoints over changes of the configuration, as long as they are in use.

    In use are those of the current configuration, and those of a turn that still runs with an
    earlier one.
    """

    def __init__(self) -> None:
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._current: tuple[Endpoint, ...] = ()
        self._reference_counts: Counter[Endpoint] = Counter()
        self._closing: set[asyncio.Task[None]] = set()

    def get(self, base_url: str, api_key: str) -> Endpoint:
        """Return the endpoint; it stays in the pool until its last use ends."""
        key = (base_url, api_key)
        if key not in self._endpoints:
            self._endpoints[key] = Endpoint(base_url, api_key)
        return self._endpoints[key]

    def set_current(self, endpoints: tuple[Endpoint, ...]) -> None:
        """Keep these endpoints open in place of those of the previous configuration."""
        previous, self._current = self._current, endpoints
        self._reference_counts.update(endpoints)
        self._release(previous)

    @contextlib.contextmanager
    def keep_open(self, endpoints: tuple[Endpoint, ...]) -> Iterator[None]:
        """Keep these endpoints open as long as the block runs."""
        self._reference_counts.update(endpoints)
        try:
            yield
        finally:
            self._release(endpoints)

    async def close(self) -> None:
        """Close all connections."""
        self.set_current(())
        await asyncio.gather(*(endpoint.close() for endpoint in self._endpoints.values()))
        await asyncio.gather(*self._closing)

    def _release(self, endpoints: Iterable[Endpoint]) -> None:
        self._reference_counts.subtract(endpoints)
        for endpoint in [one for one, count in self._reference_counts.items() if count <= 0]:
            del self._reference_counts[endpoint]
            self._endpoints = {
                key: one for key, one in self._endpoints.items() if one is not endpoint
            }
            task = asyncio.get_running_loop().create_task(endpoint.close())
            self._closing.add(task)  # the event loop itself keeps only a weak reference
            task.add_done_callback(self._closing.discard)


async def _read_response(
    response: httpx2.Response,
    accumulator: StreamAccumulator | None,
    listener: StreamListener | None,
) -> object:
    try:
        kind = response.headers.get("content-type", "")
        if accumulator is not None and not any(name in kind for name in _NON_STREAM_TYPES):
            return await read_stream(response.aiter_bytes(), accumulator, listener)
        with _translate_errors():
            chunks = [chunk async for chunk in limit_bytes(response.aiter_bytes())]
            return parse_json(b"".join(chunks))
    finally:
        await response.aclose()


async def _raise_for_status(response: httpx2.Response) -> None:
    """Raise the error that a status other than 2xx means, before the SDK reads the whole body."""
    if response.is_success:
        return
    head = await read_error_body(response.aiter_bytes())
    body: object = head.decode(errors="replace")
    with contextlib.suppress(ValueError, RecursionError):
        body = parse_json(head)
    sent = response.request.content
    raise error_from_response(response.status_code, body, response.headers, sent)


@contextlib.contextmanager
def _translate_errors() -> Iterator[None]:
    """Turn errors of the connection into UpstreamUnavailable."""
    try:
        yield
    except CONNECTION_OR_JSON_ERRORS as error:
        reason = f"{type(error).__name__}: {error.__cause__ or error}"
        raise UpstreamUnavailable(reason) from error
