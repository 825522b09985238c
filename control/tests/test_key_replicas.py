"""A rotation of the master key as processes live through it, of which there may be several of one
service."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from control import dotenv, environment, key_rotation
from control.context import Context
from control.key_rotation import Restart
from control.master_keys import VARIABLE, mark_of
from control.terminal import Terminal
from control.tests.server_thread import serving_in_thread
from control.tests.test_rotate_keys import Server, at

WHO_RUNS = ("assistant", "assistant.2", "rest_service", "rest_service.2")
SERVICES = frozenset({"assistant", "rest_service"})
STEPS = 6
"""Processes that begin anew in a rotation: all of them, then those of rest_service."""


class Processes:
    """Each with the keys of its start; one begins anew after the other."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = dict.fromkeys(WHO_RUNS, keys)
        self.begun = 0
        self.dies_at = 0

    def __call__(self, context: Context, service: str) -> bool:
        for name in WHO_RUNS:
            if name.partition(".")[0] == service:
                self.keys[name] = context.settings.values[VARIABLE].split(",")
                self.begun += 1
                self.check()
                if self.begun == self.dies_at:
                    raise KeyboardInterrupt
        return True

    def check(self) -> None:
        """Whatever rest_service encrypts from now on, everybody can read."""
        written_with = {keys[0] for name, keys in self.keys.items() if "rest_service" in name}
        for name, keys in self.keys.items():
            assert written_with <= set(keys), f"{name} could not read it"


@pytest.fixture
def context(home: Path, terminal: Terminal) -> Iterator[Context]:
    server = Server()
    environment.complete(home, {})
    with serving_in_thread(server):
        yield at(home, terminal, server)


@pytest.fixture
def processes(home: Path) -> Processes:
    return Processes(dotenv.find(home / ".env", VARIABLE).split(","))


def test_nobody_is_given_what_they_cannot_read_while_replicas_begin_anew_one_by_one(
    context: Context, processes: Processes
) -> None:
    (old,) = processes.keys["assistant"]
    key_rotation.rotate(context, SERVICES, processes)

    assert processes.begun == STEPS
    assert {keys[0] for name, keys in processes.keys.items() if "rest" in name} != {old}
    key_rotation.drop_old(context, SERVICES, processes)
    assert {len(keys) for keys in processes.keys.values()} == {1}


@pytest.mark.parametrize("again", [key_rotation.rotate, key_rotation.drop_old])
@pytest.mark.parametrize("dies_at", range(1, STEPS + 1))
def test_nor_where_it_was_killed_and_is_given_again(
    context: Context,
    processes: Processes,
    dies_at: int,
    again: Callable[[Context, Collection[str], Restart], int],
) -> None:
    (old,) = processes.keys["assistant"]
    processes.dies_at = dies_at
    with pytest.raises(KeyboardInterrupt):
        key_rotation.rotate(context, SERVICES, processes)

    assert again(context, SERVICES, processes) == 0
    assert old not in {keys[0] for name, keys in processes.keys.items() if "rest" in name}


def test_killed_before_the_new_key_was_kept_it_begins_with_another(
    context: Context, processes: Processes, home: Path
) -> None:
    (old,) = processes.keys["assistant"]
    (home / ".env.rotation").write_text(mark_of("a key that was thought up"))
    key_rotation.rotate(context, SERVICES, processes)

    new, kept = dotenv.find(home / ".env", VARIABLE).split(",")
    assert (kept, new != old) == (old, True)
