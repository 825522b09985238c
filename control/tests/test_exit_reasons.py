from pathlib import Path

import pytest

from control import exit_reasons


def write_log(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "part.log"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("one\ntwo\n\n", "two"),
        (
            "2026-11-21T10:00:00.123456Z [error    ] cannot start   reason=x\n",
            "cannot start   reason=x",
        ),
        (
            '{"event": "service cannot start", "timestamp": "2026-11-21T10:00:00Z"}\n',
            "service cannot start",
        ),
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
def test_last_line_explains_an_exit(tmp_path: Path, text: str, output: str) -> None:
    assert exit_reasons.explain_log_file(write_log(tmp_path, text)) == output


def test_output_of_an_earlier_process_is_ignored(tmp_path: Path) -> None:
    path = write_log(tmp_path, "No module named 'old'\n")
    start = path.stat().st_size
    assert exit_reasons.explain_log_file(path, start) == ""
    with path.open("a") as file:
        file.write("new\n")
    assert exit_reasons.explain_log_file(path, start) == "new"


def test_reason_is_found_in_a_rotated_log(tmp_path: Path) -> None:
    assert exit_reasons.explain_log_file(write_log(tmp_path, "short\n"), start=1000) == "short"


def test_exit_is_described_by_status_or_signal(tmp_path: Path) -> None:
    path = write_log(tmp_path, "bad settings\n")
    assert (
        exit_reasons.describe_exit(78, exit_reasons.read_tail(path))
        == "exit status 78: bad settings"
    )
    assert (
        exit_reasons.describe_exit(1, exit_reasons.read_tail(tmp_path / "none"))
        == "exit status 1, without output"
    )
    assert (
        exit_reasons.describe_exit(-9, exit_reasons.read_tail(path)) == "ended by a signal: Killed"
    )


@pytest.mark.parametrize(
    "output",
    ["exit status 78: x", "the disk is full", "TELEGRAM_TOKEN: no", "x: run ./manage.py rebuild"],
)
def test_permanent_failures_are_recognized(output: str) -> None:
    assert exit_reasons.PERMANENT_FAILURE.search(output)
    assert not exit_reasons.PERMANENT_FAILURE.search("does not listen on port 8000 yet")


@pytest.mark.parametrize("code", [-65, -1000, -(2**70), 256, 0])
def test_status_without_signal_is_shown_as_a_number(code: int) -> None:
    assert exit_reasons.describe_exit(code, "bye\n") == f"exit status {code}: bye"
