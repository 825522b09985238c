from pathlib import Path

import pytest

from control.local import supervisor


def test_large_log_is_rotated_and_continues_in_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_MAX_LOG_BYTES", 1)
    log = tmp_path / "part.log"
    with log.open("ab") as writer:
        for round_ in range(1, 6):
            writer.write(b"%d\n" % round_)
            writer.flush()
            supervisor.rotate_logs(tmp_path)
        writer.write(b"last\n")

    assert log.read_text() == "last\n"
    older = [(tmp_path / f"part.log.{number}").read_text() for number in (1, 2, 3)]
    assert older == ["5\n", "4\n", "3\n"]
    assert not (tmp_path / "part.log.4").exists()


def test_small_log_is_not_rotated(tmp_path: Path) -> None:
    (tmp_path / "part.log").write_text("x")
    supervisor.rotate_logs(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["part.log"]


def test_default_rotation_size_is_10_megabytes(tmp_path: Path) -> None:
    for name, size in (("large", 10 * 1024 * 1024), ("small", 10 * 1024 * 1024 - 1)):
        with (tmp_path / f"{name}.log").open("wb") as log:
            log.truncate(size)
    supervisor.rotate_logs(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"large.log", "large.log.1", "small.log"}
