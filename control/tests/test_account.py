"""Places for a database that root starts; folders of the machine itself stay untouched."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from control.errors import ControlError
from control.local import account as accounts
from control.local.account import Account
from control.local.wheels import Wheels

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user")


@pytest.fixture
def account() -> Account:
    return Account.of_system()


@pytest.fixture
def closed(home: Path) -> Iterator[Path]:
    """A folder where only root may go."""
    folder = home / "closed"
    folder.mkdir(mode=0o700)
    yield folder
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_database_is_in_the_state_folder_where_its_user_may_go_there(
    home: Path, account: Account
) -> None:
    place = accounts.place_for(account, home, ())
    assert place == home / "postgres"
    assert place.stat().st_uid == account.uid


def test_elsewhere_it_gets_a_place_of_its_own_outside(
    home: Path, closed: Path, account: Account
) -> None:
    shared = home / "shared"
    first = accounts.place_for(account, closed, (closed / "no" / "parent", closed / "in", shared))
    second = accounts.place_for(account, closed, (shared,))
    assert first.parent == second.parent == shared
    assert second.name == f"{first.name}-2"
    assert account.can_enter(first)


def test_a_place_that_another_user_has_made_first_is_not_used(
    home: Path, closed: Path, account: Account
) -> None:
    trap = home / "trap"
    trap.mkdir()
    account.own(trap)
    (home / "link").symlink_to(trap)
    with pytest.raises(ControlError, match="can be neither in"):
        accounts.place_for(account, closed, (trap, home / "link"))


def test_programs_are_copied_to_where_their_user_can_run_them(
    home: Path, closed: Path, account: Account
) -> None:
    wheel = Wheels.of(Path(sys.executable)).postgres
    hidden = closed / "pginstall"
    hidden.symlink_to(wheel.parent)
    shared = home / "shared"
    copied = accounts.runnable(account, hidden / "bin", (shared,))
    assert copied.is_relative_to(shared)
    assert account.can(str(copied / "postgres"), "--version")
    assert accounts.runnable(account, hidden / "bin", (shared,)) == copied
    assert [path.name for path in shared.iterdir()] == [copied.parent.name]


def test_programs_that_their_user_can_run_stay_where_they_are(home: Path, account: Account) -> None:
    wheel = home / "bin"
    wheel.mkdir()
    (wheel / "postgres").write_text("#!/bin/sh\n")
    (wheel / "postgres").chmod(0o755)
    assert accounts.runnable(account, wheel, ()) == wheel
