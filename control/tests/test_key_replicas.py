"""The keys of all processes during a rotation, with several processes of a service."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from control import dotenv, environment
from control.commands import rotate_keys
from control.commands.rotate_keys import KEY_VARIABLE, RestartService, fingerprint
from control.context import Context
from control.terminal import Terminal
from control.tests.server_thread import serve_in_thread
from control.tests.test_rotate_keys import FakeRestService, make_context

REPLICAS = ("assistant", "assistant.2", "rest_service", "rest_service.2")
SERVICES = frozenset({"assistant", "rest_service"})
STEPS = 6
"""Processes that restart in a rotation: all of them, then those of rest_service."""


class ReplicaKeys:
    """Each process has the keys of its start; they restart one after the other."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = dict.fromkeys(REPLICAS, keys)
        self.restart_count = 0
        self.dies_at = 0

    def __call__(self, context: Context, service: str) -> bool:
        for name in REPLICAS:
            if name.partition(".")[0] == service:
                self.keys[name] = context.settings.values[KEY_VARIABLE].split(",")
                self.restart_count += 1
                self.assert_all_can_decrypt()
                if self.restart_count == self.dies_at:
                    raise KeyboardInterrupt
        return True

    def assert_all_can_decrypt(self) -> None:
        """Every process can decrypt everything that rest_service encrypts from now on."""
        written_with = {keys[0] for name, keys in self.keys.items() if "rest_service" in name}
        for name, keys in self.keys.items():
            assert written_with <= set(keys), f"{name} could not decrypt it"


@pytest.fixture
def context(home: Path, terminal: Terminal) -> Iterator[Context]:
    server = FakeRestService()
    environment.ensure_secrets(home, {})
    with serve_in_thread(server):
        yield make_context(home, terminal, server)


@pytest.fixture
def replica_keys(home: Path) -> ReplicaKeys:
    return ReplicaKeys(dotenv.read_variable(home / ".env", KEY_VARIABLE).split(","))


def test_replicas_can_always_decrypt_during_a_rolling_restart(
    context: Context, replica_keys: ReplicaKeys
) -> None:
    (old,) = replica_keys.keys["assistant"]
    rotate_keys.rotate(context, SERVICES, replica_keys)

    assert replica_keys.restart_count == STEPS
    assert {keys[0] for name, keys in replica_keys.keys.items() if "rest" in name} != {old}
    rotate_keys.drop_old(context, SERVICES, replica_keys)
    assert {len(keys) for keys in replica_keys.keys.values()} == {1}


@pytest.mark.parametrize("again", [rotate_keys.rotate, rotate_keys.drop_old])
@pytest.mark.parametrize("dies_at", range(1, STEPS + 1))
def test_replicas_can_decrypt_after_a_killed_and_repeated_rotation(
    context: Context,
    replica_keys: ReplicaKeys,
    dies_at: int,
    again: Callable[[Context, Collection[str], RestartService], int],
) -> None:
    (old,) = replica_keys.keys["assistant"]
    replica_keys.dies_at = dies_at
    with pytest.raises(KeyboardInterrupt):
        rotate_keys.rotate(context, SERVICES, replica_keys)

    assert again(context, SERVICES, replica_keys) == 0
    assert old not in {keys[0] for name, keys in replica_keys.keys.items() if "rest" in name}


def test_rotation_killed_before_storing_its_key_starts_over(
    context: Context, replica_keys: ReplicaKeys, home: Path
) -> None:
    (old,) = replica_keys.keys["assistant"]
    (home / ".env.rotation").write_text(fingerprint("a key that was generated"))
    rotate_keys.rotate(context, SERVICES, replica_keys)

    new, retained = dotenv.read_variable(home / ".env", KEY_VARIABLE).split(",")
    assert (retained, new != old) == (old, True)
