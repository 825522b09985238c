from pathlib import Path

from control import log_tail
from control.log_tail import LogTail


def make_tail(folder: Path, name: str, text: str = "") -> LogTail:
    path = folder / f"{name}.log"
    path.write_text(text)
    return LogTail(name, path)


def summarize(entries: list[log_tail.LogEntry]) -> list[str]:
    return [f"{entry.name} {entry.line.split()[-1]}" for entry in entries]


def test_logs_are_merged_by_timestamp(tmp_path: Path) -> None:
    console = make_tail(
        tmp_path,
        "bot",
        "2026-11-21T10:00:01.000001Z [info] one\nof one\n2026-11-21T10:00:04Z [info] four\n",
    )
    database = make_tail(tmp_path, "postgres", "2026-11-21 10:00:02.500 UTC [7] LOG:  two\n")
    encoded = make_tail(tmp_path, "rest", '{"event": "e", "timestamp": "2026-11-21T10:00:03Z"}\n')

    reported = summarize(log_tail.merge_last([encoded, database, console], 10))
    assert reported == [
        "bot one",
        "bot one",
        "postgres two",
        'rest "2026-11-21T10:00:03Z"}',
        "bot four",
    ]


def test_only_the_last_lines_are_read(tmp_path: Path) -> None:
    text = "".join(f"2026-11-21T10:00:{number:02}Z {number}\n" for number in range(60))
    long = make_tail(tmp_path, "a", text)
    assert summarize(log_tail.merge_last([long], 2)) == ["a 58", "a 59"]


def test_end_of_a_very_long_log_is_found(tmp_path: Path) -> None:
    long = make_tail(tmp_path, "a", "".join(f"{'x' * 100} {number}\n" for number in range(5000)))
    assert summarize(log_tail.merge_last([long], 3000))[0] == "a 2000"


def test_appended_lines_are_read_once_and_complete(tmp_path: Path) -> None:
    log = make_tail(tmp_path, "a", "old\nhalf")
    assert log.read_last(5) == ["old"]
    with log.path.open("a") as file:
        file.write(" and half\nnew\nnot yet")
    assert log.read_new() == ["half and half", "new"]
    assert log.read_new() == []


def test_rotated_log_is_followed_from_its_start(tmp_path: Path) -> None:
    log = make_tail(tmp_path, "a", "a long line before\n")
    log.read_last(1)
    log.path.write_text("new\n")
    assert log.read_new() == ["new"]


def test_missing_log_has_no_lines(tmp_path: Path) -> None:
    missing = LogTail("a", tmp_path / "a.log")
    assert missing.read_last(5) == []
    assert missing.read_new() == []
    missing.path.write_text("first\n")
    assert missing.read_new() == ["first"]
