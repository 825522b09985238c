from pathlib import Path

from control import journal
from control.journal import Tail


def tail(folder: Path, name: str, text: str = "") -> Tail:
    path = folder / f"{name}.log"
    path.write_text(text)
    return Tail(name, path)


def lines(entries: list[journal.Entry]) -> list[str]:
    return [f"{entry.name} {entry.line.split()[-1]}" for entry in entries]


def test_the_logs_of_all_are_told_in_the_order_of_their_times(tmp_path: Path) -> None:
    console = tail(
        tmp_path,
        "bot",
        "2026-11-21T10:00:01.000001Z [info] one\nof one\n2026-11-21T10:00:04Z [info] four\n",
    )
    database = tail(tmp_path, "postgres", "2026-11-21 10:00:02.500 UTC [7] LOG:  two\n")
    encoded = tail(tmp_path, "rest", '{"event": "e", "timestamp": "2026-11-21T10:00:03Z"}\n')

    told = lines(journal.last([encoded, database, console], 10))
    assert told == [
        "bot one",
        "bot one",
        "postgres two",
        'rest "2026-11-21T10:00:03Z"}',
        "bot four",
    ]


def test_only_the_last_lines_are_told(tmp_path: Path) -> None:
    text = "".join(f"2026-11-21T10:00:{number:02}Z {number}\n" for number in range(60))
    long = tail(tmp_path, "a", text)
    assert lines(journal.last([long], 2)) == ["a 58", "a 59"]


def test_the_end_of_a_very_long_log_is_found(tmp_path: Path) -> None:
    long = tail(tmp_path, "a", "".join(f"{'x' * 100} {number}\n" for number in range(5000)))
    assert lines(journal.last([long], 3000))[0] == "a 2000"


def test_what_is_added_is_told_once_and_whole(tmp_path: Path) -> None:
    log = tail(tmp_path, "a", "old\nhalf")
    assert log.last(5) == ["old"]
    with log.path.open("a") as file:
        file.write(" and half\nnew\nnot yet")
    assert log.added() == ["half and half", "new"]
    assert log.added() == []


def test_a_log_that_was_put_aside_is_followed_from_its_new_beginning(tmp_path: Path) -> None:
    log = tail(tmp_path, "a", "a long line before\n")
    log.last(1)
    log.path.write_text("anew\n")
    assert log.added() == ["anew"]


def test_a_log_that_is_not_there_yet_says_nothing(tmp_path: Path) -> None:
    missing = Tail("a", tmp_path / "a.log")
    assert missing.last(5) == []
    assert missing.added() == []
    missing.path.write_text("first\n")
    assert missing.added() == ["first"]
