import re

import pytest
import structlog
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from rest_service.app.correlation import Correlation

_OWN = "[0-9a-f]{32}"


@pytest.mark.parametrize(
    ("given", "bound"),
    [
        (b"tg:1:77", "tg:1:77"),
        (b"", _OWN),
        (b"two words", _OWN),
        (b"line\nbreak", _OWN),
        (b"x" * 129, _OWN),
    ],
)
async def test_a_requests_log_lines_and_answer_carry_the_callers_id_or_a_new_one(
    given: bytes, bound: str
) -> None:
    seen: list[str] = []

    async def app(_: Scope, __: Receive, send: Send) -> None:
        seen.append(structlog.contextvars.get_contextvars()["correlation_id"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def nothing() -> Message:
        raise AssertionError("nobody reads the body")

    async def told(message: Message) -> None:
        seen.append(Headers(raw=message["headers"])["x-correlation-id"])

    scope = {"type": "http", "headers": [(b"x-correlation-id", given)]}
    await Correlation(app)(scope, nothing, told)

    assert seen[0] == seen[1]
    assert re.fullmatch(bound, seen[0])
    assert "correlation_id" not in structlog.contextvars.get_contextvars()
