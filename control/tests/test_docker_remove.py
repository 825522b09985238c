"""Deleting the data of a suite in Docker."""

import io
from pathlib import Path
from typing import Any

import pytest

from control import mode_selection
from control.tests.fake_docker import HEALTHY, FakeDocker, make_container

FOLDER = "com.docker.compose.project.working_dir"


def make_own_container(folder: Path) -> dict[str, Any]:
    container = make_container("postgres", **HEALTHY)
    container["Config"]["Labels"][FOLDER] = str(folder)
    return container


@pytest.fixture(autouse=True)
def _containers_and_volumes(docker: FakeDocker, home: Path) -> None:
    """One container of this suite, and two volumes."""
    docker.responses["compose config"] = ['{"name": "mine"}', 0]
    docker.responses["ps label=com.docker.compose.project=mine"] = ["aaa", 0]
    docker.responses["volume ls label=com.docker.compose.project=mine"] = ["mine_a\nmine_made_b", 0]
    docker.responses["system df"] = ["mine_a 12MB\nother 1GB", 0]
    docker.responses["volume rm"] = ["", 0]
    docker.set_containers(make_own_container(home))


def find_changing_calls(docker: FakeDocker) -> list[list[str]]:
    """Return the calls that change something."""
    calls = [call["arguments"] for call in docker.calls]
    return [call for call in calls if "down" in call or "rm" in call]


def test_suite_is_stopped_and_its_volumes_are_deleted(
    docker: FakeDocker, home: Path, output: io.StringIO
) -> None:
    (home / ".env").touch()
    assert docker.manage(output, "stop", "--docker", "--remove", "--yes") == 0
    down, rm = find_changing_calls(docker)
    assert down[-2:] == ["down", "--remove-orphans"]
    assert rm == ["volume", "rm", "--force", "mine_a", "mine_made_b"]
    message = output.getvalue()
    assert "  volume mine_a (12MB)\n  volume mine_made_b\n" in message
    assert (home / ".env").exists()
    assert "stay: .env" in message
    assert "docker image rm $(docker image ls --quiet 'mine-*')" in message


def test_removal_without_terminal_requires_yes_option(
    docker: FakeDocker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    assert docker.manage(output, "stop", "--docker", "--remove") == 2
    assert "--yes" in capsys.readouterr().err
    assert find_changing_calls(docker) == []


def test_removal_of_a_single_service_is_refused(
    docker: FakeDocker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("stop", "--docker", "--remove", "--yes", "--service", "tg_bot")
    assert docker.manage(output, *arguments) == 2
    assert "leave --service out" in capsys.readouterr().err
    assert find_changing_calls(docker) == []


@pytest.mark.parametrize("folder", ["/home/other/folder", ""])
def test_suite_of_another_folder_is_not_removed(
    docker: FakeDocker, output: io.StringIO, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    """The project of each clone has the same name by default."""
    other = make_own_container(Path(folder))
    if not folder:
        del other["Config"]["Labels"][FOLDER]
    docker.set_containers(other)
    assert docker.manage(output, "stop", "--docker", "--remove", "--yes") == 1
    message = capsys.readouterr().err
    assert (folder or "an unknown folder") in message
    assert "COMPOSE_PROJECT_NAME" in message
    assert find_changing_calls(docker) == []


def test_linked_folder_is_the_same_suite(
    docker: FakeDocker, home: Path, output: io.StringIO
) -> None:
    link = home / "link"
    link.symlink_to(home)
    docker.set_containers(make_own_container(link))
    assert docker.manage(output, "stop", "--docker", "--remove", "--yes") == 0


def test_leftovers_of_an_interrupted_removal_are_deleted(
    docker: FakeDocker, home: Path, output: io.StringIO
) -> None:
    mode_selection.save_last_mode(home / ".local", "docker")
    docker.responses["ps label=com.docker.compose.project=mine"] = ["", 0]
    assert docker.manage(output, "stop", "--docker", "--remove", "--yes") == 0
    assert find_changing_calls(docker)[-1][-2:] == ["mine_a", "mine_made_b"]


def test_removal_without_data_needs_no_confirmation(
    docker: FakeDocker, output: io.StringIO
) -> None:
    docker.responses["ps label=com.docker.compose.project=mine"] = ["", 0]
    docker.responses["volume ls label=com.docker.compose.project=mine"] = ["", 0]
    assert docker.manage(output, "stop", "--docker", "--remove") == 0
    assert output.getvalue() == "Nothing to remove.\n"
    assert find_changing_calls(docker) == []


def test_volume_that_cannot_be_deleted_is_reported(
    docker: FakeDocker, output: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    docker.responses["volume rm"] = ["", 1]
    docker.set_stderr("volume is in use")
    assert docker.manage(output, "stop", "--docker", "--remove", "--yes") == 1
    assert "docker volume: volume is in use" in capsys.readouterr().err


def test_ambiguous_volumes_are_not_deleted_without_confirmation(
    docker: FakeDocker, home: Path, output: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without containers, volumes may belong to any clone, unless this folder has used Docker."""
    docker.responses["ps label=com.docker.compose.project=mine"] = ["", 0]
    docker.set_containers()
    assert docker.manage(output, "stop", "--docker", "--remove", "--yes") == 1
    assert "may belong to another folder" in capsys.readouterr().err
    assert find_changing_calls(docker) == []
    mode_selection.save_last_mode(home / ".local", "docker")
    assert docker.manage(output, "stop", "--docker", "--remove", "--yes") == 0
    assert len(find_changing_calls(docker)) == 2
