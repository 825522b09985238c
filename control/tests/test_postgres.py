"""PostgreSQL with the real programs of the wheel."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from control.errors import ControlError
from control.local import postgres
from control.local.postgres import Cluster
from control.tests.conftest import traversable_folder
from control.tests.database_template import ODD_NAME, DatabaseTemplate, find_postgres_binaries
from smart_kit.testing.ports import free_port
from smart_kit.testing.suite_harness import wait_until

WHEEL_BINARIES = find_postgres_binaries()


@contextlib.contextmanager
def running_server(cluster: Cluster) -> Iterator[None]:
    launch = cluster.prepare_launch()
    account = launch.user
    process = subprocess.Popen(
        launch.command,
        cwd=launch.cwd,
        env=launch.env,
        stderr=subprocess.DEVNULL,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    try:
        wait_until(
            lambda: process.poll() is not None or postgres.check_health(cluster.port).is_healthy
        )
        yield
    finally:
        process.send_signal(postgres.STOP_SIGNAL)
        assert process.wait(60) == 0


def query(cluster: Cluster, statement: str, password: str | None = None) -> object:
    connection = psycopg2.connect(
        host="127.0.0.1",
        port=cluster.port,
        user=postgres.DATABASE_NAME,
        dbname=postgres.DATABASE_NAME,
        password=password or cluster.password,
    )
    with contextlib.closing(connection), connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


@pytest.fixture(scope="module")
def server(database_template: DatabaseTemplate) -> Iterator[Cluster]:
    """A running server, in a folder with an odd name."""
    with traversable_folder() as folder:
        cluster = database_template.copy_to(folder / ODD_NAME, free_port())
        with running_server(cluster):
            yield cluster


def test_database_survives_a_password_change(
    home: Path, database_template: DatabaseTemplate
) -> None:
    first = database_template.copy_to(home, free_port())
    with running_server(first):
        query(first, "CREATE TABLE note AS SELECT 'stored' AS text")
    second = Cluster(home, WHEEL_BINARIES, first.port, "second's")
    with running_server(second):
        assert query(second, "SELECT text FROM note") == "stored"
        with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
            query(first, "SELECT 1")


def test_server_supports_cyrillic_and_required_extensions(server: Cluster) -> None:
    assert query(server, "SELECT lower('ЁЖ') || ('Ёж' ILIKE 'ёЖ')") == "ёжtrue"
    query(server, "CREATE EXTENSION vector; CREATE EXTENSION pg_trgm")


def test_server_requires_the_password(server: Cluster) -> None:
    assert query(server, "SELECT 1") == 1
    with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
        query(server, "SELECT 1", password="another")


def test_unfinished_database_is_recreated_beside_a_running_initdb(
    home: Path,
) -> None:
    cluster = Cluster(home, WHEEL_BINARIES, free_port(), "password")
    place, account = cluster._home, cluster._user
    killed, living = place / "unfinished.killed", place / "unfinished.living"
    for attempt in (killed, living):
        attempt.mkdir()
        if account:
            account.chown(attempt)
    (killed / "data").mkdir()
    with (
        subprocess.Popen(
            (cluster._runnable_binaries / "initdb", "--username=x", "--no-sync", living / "data"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            cwd=place,
        ),
        running_server(cluster),
    ):
        assert query(cluster, "SELECT 1") == 1
    assert not killed.exists()


MKDIR = """\
#!/bin/sh
PATH=/usr/bin:/bin
mkdir "$1" && mv "$1" "$1.taken" && ln -s {victim!s} "$1"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be tricked into what others may not")
@pytest.mark.parametrize("is_made", [False, True], ids=["while it is made", "once it is made"])
def test_root_follows_no_link_of_the_postgres_user(
    home: Path, monkeypatch: pytest.MonkeyPatch, is_made: bool
) -> None:
    """PostgreSQL's user replaces the new folder of the database by a link to one of root's."""
    victim = home / "victim"
    (victim / "data").mkdir(parents=True)
    victim.chmod(0o700)
    cluster = Cluster(home, WHEEL_BINARIES, free_port(), "password")
    place, binaries = cluster._home, cluster._runnable_binaries
    create_folder, run_program = os.mkdir, subprocess.run

    def swap() -> None:
        for made in place.glob("unfinished.*"):
            if not made.is_symlink() and made.suffix != ".taken":
                made.rename(f"{made}.taken")
                made.symlink_to(victim)

    def make_and_swap(path: Path, mode: int = 0o777) -> None:
        create_folder(path, mode)
        swap()

    def run_and_swap(command: tuple[str | Path, ...], **options: Any) -> Any:
        """PostgreSQL's own programs refuse to run as root and are skipped here."""
        is_postgres = Path(command[0]).parent == binaries
        done = run_program(("true",) if is_postgres else command, **options)
        if is_postgres:
            swap()
        return done

    if is_made:
        monkeypatch.setattr(subprocess, "run", run_and_swap)
    else:
        programs = home / "programs"
        programs.mkdir(mode=0o755)
        (programs / "mkdir").write_text(MKDIR.format(victim=victim))
        (programs / "mkdir").chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        monkeypatch.setattr(os, "mkdir", make_and_swap)
    with pytest.raises(ControlError, match="ermission denied"):
        cluster.prepare_launch()
    assert [path.readlink() for path in place.glob("unfinished.*") if path.is_symlink()] == [victim]
    assert (victim.stat().st_uid, victim.stat().st_mode & 0o777) == (0, 0o700)
    assert [path.name for path in victim.iterdir()] == ["data"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders to others")
def test_unfinished_folder_of_a_killed_command_changes_owner(home: Path) -> None:
    (home / "postgres").mkdir(mode=0o700)
    cluster = Cluster(home, WHEEL_BINARIES, free_port(), "password")
    assert cluster._home == home / "postgres"
    assert cluster._user is not None
    assert (home / "postgres").stat().st_uid == cluster._user.uid != 0


def test_error_is_shown_without_its_hint(home: Path) -> None:
    cluster = Cluster(home, WHEEL_BINARIES, 1, "password")
    with pytest.raises(ControlError, match=r"^initdb: .*unrecognized option.*nonsense"):
        cluster._run("initdb", "--nonsense")


def test_too_long_path_is_reported(home: Path) -> None:
    long = home.joinpath(*["x" * 200] * 5)
    long.mkdir(parents=True)
    with pytest.raises(ControlError, match="cannot take a path as long as"):
        Cluster(long, WHEEL_BINARIES, 1, "password").prepare_launch()


def test_folder_name_with_special_characters_is_accepted(
    database_template: DatabaseTemplate, server: Cluster
) -> None:
    assert database_template.cluster.state_dir.name == server.state_dir.name == ODD_NAME
    assert query(server, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["a$b", 'a"b', "a`b", "a\nb", "a\rb", "a\\\\b"])
def test_unsupported_folder_name_is_reported(home: Path, name: str) -> None:
    (home / name).mkdir(mode=0o711)
    (home / name / "bin").symlink_to(
        Cluster(home, WHEEL_BINARIES, 1, "password")._runnable_binaries
    )
    with pytest.raises(ControlError, match="PostgreSQL's own tools cannot take the"):
        Cluster(home, home / name / "bin", 1, "password").prepare_launch()
    with pytest.raises(ControlError, match="rename the folder, or set STATE_DIR"):
        Cluster(home / name, WHEEL_BINARIES, 1, "password").prepare_launch()


def test_data_of_another_version_is_refused_in_one_line(home: Path) -> None:
    cluster = Cluster(home, WHEEL_BINARIES, 1, "password")
    cluster._data.mkdir()
    (cluster._data / "PG_VERSION").write_text("12\n")
    with pytest.raises(ControlError, match=r"was made by PostgreSQL 12, this is \d\d$"):
        cluster.prepare_launch()


def test_password_is_in_no_process_list_or_remaining_file(
    database_template: DatabaseTemplate,
) -> None:
    cluster = database_template.cluster
    launch = cluster.prepare_launch()
    assert cluster.password not in " ".join([*launch.command, *launch.env.values()])
    assert [path.name for path in cluster._home.iterdir()] == ["data"]


def test_port_without_listener_is_unhealthy() -> None:
    port = free_port()
    assert postgres.check_health(port).detail == f"does not listen on port {port} yet"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders to others")
def test_as_root_the_database_belongs_to_a_system_user(database_template: DatabaseTemplate) -> None:
    launch, home = database_template.cluster.prepare_launch(), database_template.cluster.state_dir
    assert launch.user is not None
    assert launch.user.uid != 0
    for folder in (home / "postgres", home / "postgres" / "data"):
        assert folder.stat().st_uid == launch.user.uid
    assert home.stat().st_uid == 0
    assert home.stat().st_mode & 0o777 == 0o711
