from pathlib import Path

import pytest

from control import reasons


def log(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "part.log"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\ntwo\n\n", "two"),
        (
            "2026-11-21T10:00:00.123456Z [error    ] cannot start   reason=x\n",
            "cannot start   reason=x",
        ),
        ('{"event": "cannot start", "timestamp": "2026-11-21T10:00:00Z"}\n', "cannot start"),
        ("\x1b[31mred\x1b[0m\n", "red"),
        (
            "Traceback\nModuleNotFoundError: No module named 'aiohttp'\n",
            "the Python module 'aiohttp' is missing: run ./manage.py rebuild",
        ),
        (
            "/x/.venv/bin/python: No module named tg_bot.src.main\n",
            "the Python module 'tg_bot.src.main' is missing: run ./manage.py rebuild",
        ),
        ("OSError: [Errno 28] No space left on device\nbye\n", "the disk is full"),
        ("bind: Address already in use\nbye\n", "its port is in use by another program"),
        ("", ""),
    ],
)
def test_the_last_words_say_what_the_matter_was(tmp_path: Path, text: str, said: str) -> None:
    assert reasons.last_words(log(tmp_path, text)) == said


def test_what_an_earlier_life_said_does_not_count(tmp_path: Path) -> None:
    path = log(tmp_path, "No module named 'old'\n")
    start = path.stat().st_size
    assert reasons.last_words(path, start) == ""
    with path.open("a") as file:
        file.write("new\n")
    assert reasons.last_words(path, start) == "new"


def test_the_words_are_found_in_a_log_that_was_put_aside_meanwhile(tmp_path: Path) -> None:
    assert reasons.last_words(log(tmp_path, "short\n"), start=1000) == "short"


def test_an_end_is_told_with_its_status_or_signal(tmp_path: Path) -> None:
    path = log(tmp_path, "bad settings\n")
    assert reasons.of_end(78, path) == "exit status 78: bad settings"
    assert reasons.of_end(1, tmp_path / "none") == "exit status 1, without a word"
    assert reasons.of_end(-9, path) == "ended by a signal: Killed"


@pytest.mark.parametrize(
    "said",
    ["exit status 78: x", "the disk is full", "TELEGRAM_TOKEN: no", "x: run ./manage.py rebuild"],
)
def test_what_trying_again_does_not_heal_is_known(said: str) -> None:
    assert reasons.HOPELESS.search(said)
    assert not reasons.HOPELESS.search("does not listen on port 8000 yet")


@pytest.mark.parametrize("code", [-65, -1000, -(2**70), 256, 0])
def test_a_status_that_is_no_signals_is_a_number(code: int) -> None:
    assert reasons.end(code, "bye\n") == f"exit status {code}: bye"
