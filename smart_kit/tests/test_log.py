"""What the log shows and what it redacts."""

import asyncio
import io
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal
from urllib.parse import quote, quote_plus
from uuid import UUID

import pytest
import structlog
from pydantic import BaseModel, ValidationError

from smart_kit import log as logs

TELEGRAM_TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"

ConfigureLogging = Callable[..., io.StringIO]


@pytest.fixture
def configure_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[ConfigureLogging]:
    """Run `log.configure` and return its output. The configuration is restored at the end.

    pytest's handlers are removed first, because `configure` closes the existing ones.
    """
    configured, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def reconfigure(**options: Any) -> io.StringIO:
        stderr = io.StringIO()
        root.handlers.clear()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stderr)
            logs.configure("a_service", **options)
        return stderr

    yield reconfigure
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)
    structlog.contextvars.clear_contextvars()


def parse_lines(stderr: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.getvalue().splitlines()]


SECRETS = ("pa/ss:w@rd", "admin-token", "it's \\ mine", "longer admin-token of it", "short", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"token {TELEGRAM_TOKEN}!", "token [redacted]!"),
        (
            f"https://api.telegram.org/bot{TELEGRAM_TOKEN}/getMe",
            "https://api.telegram.org/bot[redacted]/getMe",
        ),
        ("key sk-proj-abc_DEF-123456", "key [redacted]"),
        ("Authorization: Bearer abc.DEF-1/2+3=", "Authorization: Bearer [redacted]"),
        ("redis://:pass%40word@localhost:6379/0", "redis://[redacted]@localhost:6379/0"),
        ("postgresql+asyncpg://user:secret@db/x", "postgresql+asyncpg://[redacted]@db/x"),
        ("http://user:123@db", "http://[redacted]@db"),
        ("http://user:pa/ss@word@db", "http://[redacted]@word@db"),
        (f"https://aws:{'long' * 600}@registry/x", "https://[redacted]@registry/x"),
        ("http://a:http://me:secret@b", "http://a:http://[redacted]@b"),
        ("/bot42:short/getMe and /bot42:x", "/bot[redacted]/getMe and /bot[redacted]"),
        ("gsk_abcdefgh1 AIzaSyAbcdefgh1", "[redacted] [redacted]"),
        ("http://localhost:8000/a@b at 12:30:59", None),
        ("{'url': 'http://localhost:8000', 'to': 'a@b'}", None),
        ("task-management, risk-assessment", None),
        ("tg:110201543:7 run:6f1c3a52-3f5b-4b35-8a4e-0b6d6a4f7a11", None),
    ],
)
def test_redact(text: str, shown: str | None) -> None:
    assert logs.Redactor().redact(text) == (shown or text)
    assert logs.contains_secret(text) == (shown is not None)


@pytest.mark.parametrize(
    "part",
    ["://", "http://", "http://a:", "x://y:", ":", "://a:b", "1:", "/bot1", "sk-", "Bearer "],
)
def test_redaction_of_hostile_text_takes_linear_time(
    part: str,
) -> None:
    """A quadratic pattern would take a minute."""
    text = part * (200_000 // len(part))
    started_at = time.process_time()
    logs.Redactor(SECRETS).redact(text)
    logs.contains_secret(f"{text} @")

    assert time.process_time() - started_at < 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the admin-token, twice: admin-token", "the [redacted], twice: [redacted]"),
        ("a longer admin-token of it", "a [redacted]"),
        ("redis://:pa/ss:w@rd@localhost", "redis://[redacted]@localhost"),
        ("redis://:pa%2Fss%3Aw%40rd@localhost", "redis://[redacted]@localhost"),
        (repr(ValueError("it's \\ mine")), 'ValueError("[redacted]")'),
        ("short words stay", "short words stay"),
    ],
)
def test_known_secrets_are_redacted_whatever_they_look_like(text: str, shown: str) -> None:
    assert logs.Redactor(SECRETS).redact(text) == shown


def test_text_without_secrets_is_not_copied() -> None:
    text = "nothing to hide " * 10

    assert logs.Redactor(SECRETS).redact(text) is text


@pytest.mark.parametrize("fmt", ["json", "console"])
def test_known_secret_is_redacted_in_events_keys_and_tracebacks(
    fmt: str, configure_logging: ConfigureLogging
) -> None:
    stderr = configure_logging(fmt=fmt, secrets=["plain words"])
    try:
        raise ValueError("plain words")
    except ValueError as error:
        structlog.stdlib.get_logger().exception("plain words", error=error, a={"plain words": 1})
        logging.getLogger("library").exception("%s", "plain words")

    assert stderr.getvalue().count("[redacted]") >= 6
    assert "plain words" not in stderr.getvalue()


def test_validation_summary_has_no_values() -> None:
    class Shape(BaseModel):
        number: int
        kind: Literal["a"]

    with pytest.raises(ValidationError) as broken:
        Shape.model_validate({"number": "my secret", "kind": "my secret"})

    summary = logs.summarize_validation_error(broken.value)
    assert "number" in summary
    assert "my secret" not in summary


def test_secret_is_redacted_in_every_part_of_an_event(configure_logging: ConfigureLogging) -> None:
    stderr = configure_logging(fmt="json")
    structlog.stdlib.get_logger().warning(
        f"event {TELEGRAM_TOKEN}",
        text=TELEGRAM_TOKEN,
        nested={"headers": [("Authorization", f"Bearer {TELEGRAM_TOKEN}")]},
        error=ValueError(f"no answer from /bot{TELEGRAM_TOKEN}"),
    )
    structlog.contextvars.bind_contextvars(bound=TELEGRAM_TOKEN)
    logging.getLogger("library").warning("calling %s", TELEGRAM_TOKEN)

    written = parse_lines(stderr)
    assert len(written) == 2
    assert TELEGRAM_TOKEN not in json.dumps(written)


@pytest.mark.parametrize("fmt", ["json", "console"])
def test_secret_is_redacted_in_tracebacks_of_structlog_and_logging(
    fmt: str, configure_logging: ConfigureLogging
) -> None:
    stderr = configure_logging(fmt=fmt)
    try:
        raise ValueError(f"no answer from /bot{TELEGRAM_TOKEN}/getMe")
    except ValueError:
        structlog.stdlib.get_logger().exception("ours")
        logging.getLogger("library").exception("theirs")

    written = stderr.getvalue()
    assert written.count("ValueError: no answer from /bot[redacted]/getMe") == 2
    assert "Traceback" in written
    assert TELEGRAM_TOKEN not in written


def test_line_has_service_timestamp_and_level(configure_logging: ConfigureLogging) -> None:
    stderr = configure_logging(fmt="json")
    user = UUID("6f1c3a52-3f5b-4b35-8a4e-0b6d6a4f7a11")
    structlog.stdlib.get_logger().warning("something", user_id=user, seconds=0.5, found=None)
    logging.getLogger("library").error("theirs")

    ours, theirs = parse_lines(stderr)
    assert ours.pop("timestamp").endswith("Z")
    assert ours == {
        "service": "a_service",
        "event": "something",
        "level": "warning",
        "user_id": str(user),
        "seconds": 0.5,
        "found": None,
    }
    assert (theirs["service"], theirs["event"], theirs["level"]) == ("a_service", "theirs", "error")


def test_lines_below_the_level_and_library_info_are_dropped(
    configure_logging: ConfigureLogging,
) -> None:
    stderr = configure_logging(level="INFO")
    structlog.stdlib.get_logger().debug("ours")
    logging.getLogger("library").debug("theirs")
    logging.getLogger("httpx2").info("HTTP Request: GET")

    assert stderr.getvalue() == ""


async def test_correlation_id_is_in_the_lines_of_its_task_only(
    configure_logging: ConfigureLogging,
) -> None:
    stderr = configure_logging(fmt="json")
    log = structlog.stdlib.get_logger()

    async def handle(correlation_id: str) -> None:
        logs.reset_context(correlation_id=correlation_id)
        await asyncio.sleep(0)
        log.info("ours")
        logging.getLogger("library").warning("theirs")
        await asyncio.create_task(called())

    async def called() -> None:
        log.info("deeper")

    await asyncio.gather(
        asyncio.create_task(handle("tg:1:1")), asyncio.create_task(handle("tg:1:2"))
    )
    log.info("outside")

    written = parse_lines(stderr)
    for correlation_id in ("tg:1:1", "tg:1:2"):
        events = [line["event"] for line in written if line.get("correlation_id") == correlation_id]
        assert events == ["ours", "theirs", "deeper"]
    assert "correlation_id" not in written[-1]


def test_reset_context_replaces_earlier_values(configure_logging: ConfigureLogging) -> None:
    stderr = configure_logging(fmt="json")
    logs.reset_context(correlation_id="tg:1:1", turn=1)
    logs.reset_context(correlation_id="tg:1:2")
    structlog.stdlib.get_logger().info("something")

    (line,) = parse_lines(stderr)
    assert line["correlation_id"] == "tg:1:2"
    assert "turn" not in line


def test_warning_without_correlation_id_is_throttled(
    configure_logging: ConfigureLogging,
) -> None:
    stderr = configure_logging(fmt="json")
    for _ in range(3):
        structlog.stdlib.get_logger().warning("redis unavailable", reason="refused")
    assert [line["event"] for line in parse_lines(stderr)] == ["redis unavailable"]


HOSTILE_SECRETS = (
    *("it's \\ mine", 'a "quoted" one', "zwei\nZeilen", "пароль-секрет", "pa/ss:w@rd"),
    *("pä ss/wörd+1", "admin token/7"),
)


@pytest.mark.parametrize("fmt", ["json", "console"])
@pytest.mark.parametrize("secret", HOSTILE_SECRETS)
@pytest.mark.parametrize(
    "wrap",
    [
        str,
        repr,
        lambda secret: {"headers": [(secret, f"x{secret}")]},
        lambda secret: {secret},
        lambda secret: {("tuple", secret): 1},
        lambda secret: ValueError(secret),
        lambda secret: f"{secret!r} and '\"",
        lambda secret: f"http://localhost/{quote(secret, safe='')}",
        lambda secret: f"http://localhost/{quote(secret)}",
        lambda secret: f"key={quote_plus(secret)}&last=1",
        lambda secret: json.dumps({"key": secret}),
        lambda secret: json.dumps({"key": secret}, ensure_ascii=False),
    ],
)
def test_known_secret_is_redacted_in_every_spelling(
    wrap: Callable[[str], Any], secret: str, fmt: str, configure_logging: ConfigureLogging
) -> None:
    stderr = configure_logging(fmt=fmt, secrets=[secret])
    structlog.stdlib.get_logger().error("event", value=wrap(secret))
    logging.getLogger("library").error("%s", wrap(secret))

    written = stderr.getvalue()
    assert written.count("[redacted]") >= 2
    for line in written.splitlines():
        shown = str(json.loads(line)) if fmt == "json" else line
        for spelling in (
            *(secret, quote(secret), quote_plus(secret), quote(secret, safe="")),
            *(repr(secret)[1:-1], json.dumps(secret)[1:-1]),
        ):
            assert spelling not in shown


@pytest.mark.parametrize("fmt", ["json", "console"])
@pytest.mark.parametrize("before", ["\n", "\t", "\\", "\x01", '"', "'", "é", "\u2028", "n"])
@pytest.mark.parametrize(
    ("secret", "rest"),
    [
        ("sk-proj-abc_DEF-123456", ""),
        (TELEGRAM_TOKEN, ""),
        ("Bearer abc.DEF", "Bearer "),
        ("https://user:p\\a'ss@host", "https://"),
    ],
)
def test_what_looks_like_a_secret_is_redacted_after_any_character(
    secret: str, rest: str, before: str, fmt: str, configure_logging: ConfigureLogging
) -> None:
    """The same as in the text itself, although rendering escapes characters around it."""
    text = before + secret
    shown = logs.Redactor().redact(text)
    stderr = configure_logging(fmt=fmt)
    structlog.stdlib.get_logger().error("event", value=text, nested=[text])

    if shown == text:  # e.g. the letter n before a key: it is another word
        assert "[redacted]" not in stderr.getvalue()
    else:
        assert stderr.getvalue().count("[redacted]") == 2
        assert secret.removeprefix(rest) not in stderr.getvalue()


def test_line_without_secrets_is_rendered_once(
    configure_logging: ConfigureLogging, monkeypatch: pytest.MonkeyPatch
) -> None:
    redacted: list[str] = []
    stderr = configure_logging(fmt="json", secrets=["admin-token"])
    monkeypatch.setattr(logs.Redactor, "redact", lambda _, text: redacted.append(text) or text)
    structlog.stdlib.get_logger().info("harmless", text="nothing", nested={"a": [1, 2.5, None]})

    assert redacted == []
    assert parse_lines(stderr)[0]["event"] == "harmless"


def test_closed_stream_does_not_fail_the_service(configure_logging: ConfigureLogging) -> None:
    configure_logging(fmt="json").close()

    structlog.stdlib.get_logger().error("nobody reads this")
