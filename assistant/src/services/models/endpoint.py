"""One server behind the OpenAI protocol, asked with one key."""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx2
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient

from smart_kit.errors import UpstreamUnavailable

from ...core.errors import CutOff
from .assembling import BROKEN, Assembly, Listener, assembled
from .errors import error_in, error_of
from .events import beginning, limited, read_json

CONNECT_SECONDS = 5.0
ATTEMPT_SECONDS = 60.0
"""A model that takes longer than this for an answer is not worth waiting for."""

_LIMITS = httpx2.Limits(max_connections=100, keepalive_expiry=30.0)
"""People pause longer than the usual 5 s between messages; a new TLS connection costs them time."""
_TIMEOUT = httpx2.Timeout(ATTEMPT_SECONDS, connect=CONNECT_SECONDS)
_HEADERS = {"Content-Type": "application/json"}
_WHOLE = ("json", "html", "xml")
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

    async def ask(
        self,
        path: str,
        body: bytes,
        seconds: float,
        assembly: Assembly | None = None,
        listener: Listener | None = None,
    ) -> object:
        """Post a request, wait so long; returns the JSON of the answer.

        With an `assembly` the answer comes as a stream, and the `listener` hears it grow. Raises
        UpstreamUnavailable, UpstreamRejected and those of core.errors.
        """
        try:
            async with asyncio.timeout(seconds):
                answer = await self._asked(path, body, assembly, listener)
        except TimeoutError as error:
            reason = f"No answer within {seconds:.0f} s"
            if assembly is None or not assembly.has_begun:
                raise UpstreamUnavailable(reason) from error
            if not assembly.is_complete:
                raise CutOff(reason) from error
            answer = assembly.body()
        if (refusal := error_in(answer, body)) is not None:
            raise refusal
        return answer

    async def _asked(
        self, path: str, body: bytes, assembly: Assembly | None, listener: Listener | None
    ) -> object:
        response = await self._post(path, body)
        try:
            kind = response.headers.get("content-type", "")
            if assembly is not None and not any(name in kind for name in _WHOLE):
                return await assembled(response.aiter_bytes(), assembly, listener)
            with _decided():
                chunks = [chunk async for chunk in limited(response.aiter_bytes())]
                return read_json(b"".join(chunks))
        finally:
            await response.aclose()

    async def _post(self, path: str, body: bytes) -> httpx2.Response:
        """Its answer is not read yet, so that it can be read as far as is sensible."""
        with _decided():
            stream = await self._open().post(
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

    def _open(self) -> AsyncOpenAI:
        if self._client is None:
            self._client = _Client(
                api_key=self._api_key,
                base_url=self.base_url,
                max_retries=0,
                timeout=_TIMEOUT,
                http_client=DefaultAioHttpClient(
                    timeout=_TIMEOUT,
                    limits=_LIMITS,
                    verify=_tls(),
                    follow_redirects=False,
                    event_hooks={"response": [_refused]},
                ),
            )
        return self._client


@cache
def _tls() -> ssl.SSLContext:
    """For all endpoints: to read the system's certificates takes longer than many a request."""
    return httpx2.create_ssl_context()


class _Client(AsyncOpenAI):
    """Without what the SDK takes from the environment: it would go to every provider."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.organization = self.project = None
        self._custom_headers = {}


async def _refused(response: httpx2.Response) -> None:
    """Raises what another status than 2xx means: the SDK would read all that comes with it."""
    if response.is_success:
        return
    said = await beginning(response.aiter_bytes())
    body: object = said.decode(errors="replace")
    with contextlib.suppress(ValueError, RecursionError):
        body = read_json(said)
    raise error_of(response.status_code, body, response.headers, response.request.content)


@contextlib.contextmanager
def _decided() -> Iterator[None]:
    """Turns what a connection raises into what is decided by."""
    try:
        yield
    except BROKEN as error:
        reason = f"{type(error).__name__}: {error.__cause__ or error}"
        raise UpstreamUnavailable(reason) from error
