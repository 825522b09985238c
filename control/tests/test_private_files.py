"""Replacing files that hold secrets."""

import os
import stat
from pathlib import Path

import pytest

from control.commands.rotate_keys import KEY_VARIABLE, MasterKeys
from control.credentials import generate_master_key, write_private_file
from control.errors import ControlError

OTHER_UID, OTHER_GID = 1234, 1235
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="gives files to others")


def read_mode_and_owner(file: Path) -> tuple[int, int, int]:
    state = file.stat()
    return stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640])
def test_replaced_files_keep_access_for_the_same_users(tmp_path: Path, mode: int) -> None:
    file = tmp_path / ".env"
    file.write_text("old")
    file.chmod(mode)
    before = read_mode_and_owner(file)
    write_private_file(file, "new")

    assert (file.read_text(), read_mode_and_owner(file)) == ("new", before)
    assert list(tmp_path.iterdir()) == [file]


def test_world_readable_file_becomes_private(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("copied from .env.example")
    file.chmod(0o644)
    write_private_file(file, "new")

    assert read_mode_and_owner(file)[0] == 0o600


def test_new_file_is_private(tmp_path: Path) -> None:
    write_private_file(tmp_path / "new", "")

    assert read_mode_and_owner(tmp_path / "new") == (0o600, os.getuid(), os.getgid())


@needs_root
def test_new_master_key_keeps_the_owner_of_env(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"{KEY_VARIABLE}={generate_master_key()}\n")
    os.chown(file, OTHER_UID, OTHER_GID)
    file.chmod(0o640)
    MasterKeys.locate(tmp_path, {}).append(generate_master_key())

    assert read_mode_and_owner(file) == (0o640, OTHER_UID, OTHER_GID)


@needs_root
def test_file_of_another_user_is_not_changed(home: Path) -> None:
    file = home / ".env"
    file.write_text("old")
    home.chmod(0o777)
    os.seteuid(OTHER_UID)
    try:
        with pytest.raises(ControlError, match="belongs to another user"):
            write_private_file(file, "new")
    finally:
        os.seteuid(0)

    assert file.read_text() == "old"
    assert {path.name for path in home.iterdir()} == {".env", ".env.example"}
