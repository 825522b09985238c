"""One server behind the OpenAI protocol, asked with one key."""

import asyncio
from typing import Protocol

import aiohttp
import httpx2
from openai import APIError, APIStatusError, AsyncOpenAI, AsyncStream, DefaultAioHttpClient

from smart_kit.contracts.base import JsonObject
from smart_kit.errors import UpstreamUnavailable

from ...core.errors import CutOff
from .errors import error_in, error_of
from .events import drain, events, read_json

CONNECT_SECONDS = 5.0
ATTEMPT_SECONDS = 60.0
"""A model that takes longer than this for an answer is not worth waiting for."""

_LIMITS = httpx2.Limits(max_connections=100, keepalive_expiry=30.0)
"""People pause longer than the usual 5 s between messages; a new TLS connection costs them time."""
_TIMEOUT = httpx2.Timeout(ATTEMPT_SECONDS, connect=CONNECT_SECONDS)
_HEADERS = {"Content-Type": "application/json"}
_WHOLE = ("json", "html", "xml")
"""Types of an answer that is no stream, whatever was asked for."""
_BROKEN = (APIError, aiohttp.ClientError, httpx2.HTTPError, ValueError, RecursionError)
"""Of a connection, or of JSON."""


class Listener(Protocol):
    """Whom a growing answer is shown to."""

    @property
    def is_due(self) -> bool:
        """Whether it wants to hear the text now."""

    async def text_grows(self, text: str) -> None:
        """The text so far."""


class Assembly(Protocol):
    """Puts the events of a stream together to the answer as it would have come whole."""

    @property
    def text(self) -> str:
        """So far."""

    @property
    def is_complete(self) -> bool:
        """Whether what came is a whole answer, though more may come."""

    def add(self, event: JsonObject) -> None:
        """Raises UpstreamError for the error that an event is."""

    def body(self) -> JsonObject:
        """The whole answer."""


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
        """Post a request, wait so long; returns the JSON of the answer, or a text that is none.

        With an `assembly` the answer comes as a stream, and the `listener` hears it grow. Raises
        UpstreamUnavailable, UpstreamRejected and those of core.errors.
        """
        try:
            async with asyncio.timeout(seconds):
                if assembly is None:
                    answer = await self._open().post(
                        path, content=body, cast_to=object, options={"headers": _HEADERS}
                    )
                else:
                    answer = await self._streamed(path, body, assembly, listener)
        except TimeoutError as error:
            raise UpstreamUnavailable(f"No answer within {seconds:.0f} s") from error
        except APIStatusError as error:
            raise error_of(error.status_code, error.body, error.response.headers) from error
        except _BROKEN as error:
            reason = f"{type(error).__name__}: {error.__cause__ or error}"
            raise UpstreamUnavailable(reason) from error
        if (refusal := error_in(answer)) is not None:
            raise refusal
        return answer

    async def _streamed(
        self, path: str, body: bytes, assembly: Assembly, listener: Listener | None
    ) -> object:
        stream = await self._open().post(
            path,
            content=body,
            cast_to=object,
            options={"headers": _HEADERS},
            stream=True,
            stream_cls=AsyncStream[object],
        )
        response = stream.response
        try:
            if any(name in response.headers.get("content-type", "") for name in _WHOLE):
                return read_json(await response.aread())
            return await _assembled(response, assembly, listener)
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _open(self) -> AsyncOpenAI:
        if self._client is None:
            self._client = AsyncOpenAI(
                api_key=self._api_key,
                base_url=self.base_url,
                max_retries=0,
                timeout=_TIMEOUT,
                http_client=DefaultAioHttpClient(timeout=_TIMEOUT, limits=_LIMITS),
            )
        return self._client


async def _assembled(
    response: httpx2.Response, assembly: Assembly, listener: Listener | None
) -> JsonObject:
    """Raises CutOff where the stream breaks or ends too soon."""
    chunks = response.aiter_bytes()
    try:
        async for event in events(chunks):
            assembly.add(event)
            if listener is not None and listener.is_due:
                await listener.text_grows(assembly.text)
        await drain(chunks)
    except _BROKEN as error:
        if not assembly.is_complete:
            raise CutOff(f"The stream broke: {type(error).__name__}") from error
    if not assembly.is_complete:
        raise CutOff
    return assembly.body()
