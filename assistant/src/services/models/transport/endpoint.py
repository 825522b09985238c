"""HTTP connections to servers that speak OpenAI's protocol: one for each address and key."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator

import aiohttp
import httpx2
from openai import AsyncOpenAI

from smart_kit.errors import UpstreamError, UpstreamUnavailable
from smart_kit.proxy import check_proxies, find_proxy
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

_KEEPALIVE_SECONDS = 30.0
"""Users pause longer than the default 15 s between messages, and a TLS handshake takes time."""
_NON_STREAM_TYPES = ("json", "html", "xml")
"""Parts of content types of responses that are not streamed, though a stream was requested."""


class Endpoint:
    """One server and one API key. The SDK builds the headers, and aiohttp sends the requests.

    The SDK's own requests take seven times as long, mostly for options, retries and types that
    nothing here uses. The session is opened by the first request, and again by one after `close`.
    """

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self._api_key = api_key
        self._session: aiohttp.ClientSession | None = None

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
                    sent = await self._get_session().post(
                        f"{self.base_url}{path}", data=body, allow_redirects=False
                    )
                async with sent as response:
                    if not 200 <= response.status < 300:
                        raise await _read_error(response, body)
                    answer = await _read_response(response, accumulator, listener)
        except TimeoutError as error:
            reason = f"No answer within {timeout_seconds:.0f} s"
            if accumulator is None or not accumulator.has_started:
                raise UpstreamUnavailable(reason) from error
            if not accumulator.is_complete:
                raise StreamInterrupted(reason) from error
            answer = accumulator.build_response()
        if (api_error := error_from_body(answer, body)) is not None:
            raise api_error
        return answer

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _get_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,  # the slots of the worker limit the requests
                    keepalive_timeout=_KEEPALIVE_SECONDS,
                    ssl=get_ssl_context(),
                ),
                headers=_build_headers(self.base_url, self._api_key),
                cookie_jar=aiohttp.DummyCookieJar(),
                # `post` limits the time of a whole attempt
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_SECONDS),
                proxy=find_proxy(self.base_url),
            )
        return self._session


class EndpointPool:
    """Keeps endpoints over changes of the configuration, as long as they are in use.

    In use are those of the current configuration, and those of a turn that still runs with an
    earlier one.
    """

    def __init__(self) -> None:
        """Raises ConfigurationError if the URL of a proxy is malformed."""
        check_proxies()  # at the start of the service, and not in the first turn
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


def _build_headers(base_url: str, api_key: str) -> dict[str, str]:
    """Return the headers of the SDK's requests."""
    unused = httpx2.AsyncClient(verify=get_ssl_context(), trust_env=False)
    client = AsyncOpenAI(api_key=api_key, base_url=base_url, http_client=unused)
    # the SDK reads these from the environment; they would be sent to every provider
    client.organization = client.project = None
    client._custom_headers = {}
    headers = {**client.auth_headers, **client.default_headers}
    return {name: value for name, value in headers.items() if isinstance(value, str)}


async def _read_response(
    response: aiohttp.ClientResponse,
    accumulator: StreamAccumulator | None,
    listener: StreamListener | None,
) -> object:
    kind = response.headers.get("content-type", "")
    if accumulator is not None and not any(name in kind for name in _NON_STREAM_TYPES):
        return await read_stream(response.content.iter_any(), accumulator, listener)
    with _translate_errors():
        chunks = [chunk async for chunk in limit_bytes(response.content.iter_any())]
        return parse_json(b"".join(chunks))


async def _read_error(response: aiohttp.ClientResponse, sent: bytes) -> UpstreamError:
    """Return the error that a status other than 2xx means."""
    with _translate_errors():
        head = await read_error_body(response.content.iter_any())
    body: object = head.decode(errors="replace")
    with contextlib.suppress(ValueError, RecursionError):
        body = parse_json(head)
    return error_from_response(response.status, body, response.headers, sent)


@contextlib.contextmanager
def _translate_errors() -> Iterator[None]:
    """Turn errors of the connection into UpstreamUnavailable."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        # without its cause: a TimeoutError there means that the model was already generating
        raise UpstreamUnavailable(f"{type(error).__name__}: {error}") from None
    except aiohttp.ClientResponseError as error:  # its text has the URL of a proxy, with password
        reason = f"{type(error).__name__}: {error.status} {error.message}"
        raise UpstreamUnavailable(reason) from None
    except CONNECTION_OR_JSON_ERRORS as error:
        raise UpstreamUnavailable(f"{type(error).__name__}: {error}") from error
