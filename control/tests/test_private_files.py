"""Files with secrets, when they are written again."""

import os
import stat
from pathlib import Path

import pytest

from control.credentials import write_private
from control.errors import ControlError
from control.master_keys import VARIABLE, MasterKeys, new_key

SOMEBODY, THEIR_GROUP = 1234, 1235
ROOTS = pytest.mark.skipif(os.getuid() != 0, reason="gives files to others")


def looks(file: Path) -> tuple[int, int, int]:
    state = file.stat()
    return stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640])
def test_whoever_was_let_in_still_is_and_nobody_else(tmp_path: Path, mode: int) -> None:
    file = tmp_path / ".env"
    file.write_text("old")
    file.chmod(mode)
    before = looks(file)
    write_private(file, "new")

    assert (file.read_text(), looks(file)) == ("new", before)
    assert list(tmp_path.iterdir()) == [file]


def test_what_everybody_could_read_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("copied from .env.example")
    file.chmod(0o644)
    write_private(file, "new")

    assert looks(file)[0] == 0o600


def test_a_new_one_is_its_owners_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "new", "")

    assert looks(tmp_path / "new") == (0o600, os.getuid(), os.getgid())


@ROOTS
def test_a_new_master_key_takes_env_from_nobody(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"{VARIABLE}={new_key()}\n")
    os.chown(file, SOMEBODY, THEIR_GROUP)
    file.chmod(0o640)
    MasterKeys.find(tmp_path, {}).add_last(new_key())

    assert looks(file) == (0o640, SOMEBODY, THEIR_GROUP)


@ROOTS
def test_who_may_not_leave_it_to_its_owner_leaves_it_as_it_is(home: Path) -> None:
    file = home / ".env"
    file.write_text("old")
    home.chmod(0o777)
    os.seteuid(SOMEBODY)
    try:
        with pytest.raises(ControlError, match="belongs to another user"):
            write_private(file, "new")
    finally:
        os.seteuid(0)

    assert file.read_text() == "old"
    assert {one.name for one in home.iterdir()} == {".env", ".env.example"}
