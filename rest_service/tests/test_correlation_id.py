import re

import pytest
import structlog
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from rest_service.app.middleware.request_guard import RequestGuard

_GENERATED_ID = "[0-9a-f]{32}"


@pytest.mark.parametrize(
    ("sent", "bound"),
    [
        (b"tg:1:77", "tg:1:77"),
        (b"", _GENERATED_ID),
        (b"two words", _GENERATED_ID),
        (b"line\nbreak", _GENERATED_ID),
        (b"x" * 129, _GENERATED_ID),
    ],
)
async def test_log_lines_and_response_carry_the_given_id_or_a_new_one(
    sent: bytes, bound: str
) -> None:
    seen: list[str] = []

    async def app(_: Scope, __: Receive, send: Send) -> None:
        seen.append(structlog.contextvars.get_contextvars()["correlation_id"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def refuse_to_read() -> Message:
        raise AssertionError("the body is not read")

    async def record_header(message: Message) -> None:
        seen.append(Headers(raw=message["headers"])["x-correlation-id"])

    scope = {"type": "http", "path": "/docs", "headers": [(b"x-correlation-id", sent)]}
    await RequestGuard(app, checks=())(scope, refuse_to_read, record_header)

    assert seen[0] == seen[1]
    assert re.fullmatch(bound, seen[0])
    assert "correlation_id" not in structlog.contextvars.get_contextvars()
