import pytest
import structlog
from starlette.types import Receive, Scope, Send

from rest_service.app.correlation import Correlation


@pytest.mark.parametrize(
    ("given", "bound"),
    [
        (b"tg:1:77", "tg:1:77"),
        (b"", None),
        (b"two words", None),
        (b"line\nbreak", None),
        (b"x" * 129, None),
    ],
)
async def test_a_requests_log_lines_carry_the_callers_id(given: bytes, bound: str | None) -> None:
    seen = []

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        seen.append(structlog.contextvars.get_contextvars().get("correlation_id"))

    async def nothing(*_: object) -> None:
        """Nobody listens."""

    scope = {"type": "http", "headers": [(b"x-correlation-id", given)]}
    await Correlation(app)(scope, nothing, nothing)  # type: ignore[arg-type]

    assert seen == [bound]
    assert "correlation_id" not in structlog.contextvars.get_contextvars()
