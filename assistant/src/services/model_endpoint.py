"""One call of one server behind the OpenAI protocol."""

import asyncio
from typing import Protocol

import aiohttp
import httpx2
from openai import APIError, APIStatusError, AsyncOpenAI, DefaultAioHttpClient

from smart_kit.errors import UpstreamUnavailable

from .model_errors import error_in, error_of

OPENAI_URL = "https://api.openai.com/v1"
CONNECT_SECONDS = 5.0
ATTEMPT_SECONDS = 60.0
"""A model that takes longer than this for an answer is not worth waiting for."""

_LIMITS = httpx2.Limits(max_connections=100, keepalive_expiry=30.0)
"""People pause longer than the usual 5 s between messages; a new TLS connection costs them time."""


class Endpoint(Protocol):
    """Where a request goes."""

    base_url: str

    async def ask(self, body: bytes, seconds: float) -> object:
        """Post a request, wait so long; returns the JSON of the answer, or a text that is none.

        Raises UpstreamUnavailable, UpstreamRejected, ContextTooLong or ParameterRefused.
        """

    async def close(self) -> None:
        """Close the connections."""


class ChatCompletions:
    """The endpoint through the SDK's bare `post` over its aiohttp client.

    Its typed calls cost four times as much, mostly for types that are not read; retries are ours.
    """

    def __init__(self, api_key: str, base_url: str | None = None) -> None:
        # named, because the SDK takes an empty OPENAI_BASE_URL in the environment for an address
        self.base_url = base_url or OPENAI_URL
        timeout = httpx2.Timeout(ATTEMPT_SECONDS, connect=CONNECT_SECONDS)
        self._client = AsyncOpenAI(
            api_key=api_key,
            base_url=self.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=DefaultAioHttpClient(timeout=timeout, limits=_LIMITS),
        )

    async def ask(self, body: bytes, seconds: float) -> object:
        """See Endpoint."""
        try:
            async with asyncio.timeout(seconds):
                answer = await self._client.post(
                    "/chat/completions",
                    content=body,
                    cast_to=object,
                    options={"headers": {"Content-Type": "application/json"}},
                )
        except TimeoutError as error:
            raise UpstreamUnavailable(f"No answer within {seconds:.0f} s") from error
        except APIStatusError as error:
            raise error_of(error.status_code, error.body, error.response.headers) from error
        except (APIError, aiohttp.ClientError, ValueError, RecursionError) as error:  # broken JSON
            reason = f"{type(error).__name__}: {error.__cause__ or error}"
            raise UpstreamUnavailable(reason) from error
        if (refusal := error_in(answer)) is not None:
            raise refusal
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
