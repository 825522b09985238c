"""No order of operations breaks a promise of the mailbox, and each broken variant is detected."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from smart_kit.testing.durable_valkey import DurableValkey
from tests.chaos.mailbox_state_machine import CrashingServerMachine, MailboxMachine

FENCE_CHECK = "if not holds_lease("
DISABLED_FENCE_CHECK = "if false and not holds_lease("
BROKEN_SCRIPTS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "no fence check in finish": {"finish": (FENCE_CHECK, DISABLED_FENCE_CHECK)},
    "no fence check in delay": {"delay": (FENCE_CHECK, DISABLED_FENCE_CHECK)},
    "no fence check in renew": {"renew": (FENCE_CHECK, DISABLED_FENCE_CHECK)},
    "no fence check in journal": {"journal": (FENCE_CHECK, DISABLED_FENCE_CHECK)},
    "no deduplication": {
        "enqueue": ("if redis.call('ZSCORE', KEYS[3], ARGV[1]) then return 0 end", "")
    },
    "no wake-up after finish": {"finish": ("if waiting_count > 1 then", "if false then")},
    "no wake-up after a delay": {"promote": ("wake(KEYS[1], KEYS[2], conversation)", "")},
    "second wake-up of an active conversation": {
        "enqueue": ("redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0", "true")
    },
    "message removed at begin": {"begin": ("'LINDEX', KEYS[5], 0", "'LPOP', KEYS[5]")},
    "fencing token that does not rise": {
        "begin": ("'HINCRBY', KEYS[3], ARGV[3], 1", "'HINCRBY', KEYS[3], ARGV[3], 0")
    },
    "duplicate reply": {
        "finish": (
            "redis.call('RPUSH', reply.waiting, reply.payload)",
            "for _ = 1, 2 do redis.call('RPUSH', reply.waiting, reply.payload) end",
        )
    },
    "take-over from a living worker": {"take_over": (" == 0 then\n", " >= 0 then\n")},
    "dead worker removed with its messages": {
        "take_over": ("if consumer.pending == 0 then", "if true then")
    },
    "dead letter left in its conversation": {
        "finish": (
            "redis.call('LPOP', KEYS[5])",
            "if dead_letter == '' then redis.call('LPOP', KEYS[5]) end",
        )
    },
}
"""By variant: the script, a piece of its source, and the replacement that breaks it."""

SLOW_VARIANTS = frozenset(
    (
        "no fence check in delay",
        "no fence check in renew",
        "no fence check in journal",
        "no wake-up after a delay",
    )
)
"""Detected only after a hundred examples and more, which takes many seconds."""


@pytest.fixture(scope="module")
def server() -> Iterator[DurableValkey]:
    valkey = DurableValkey()
    valkey.start()
    yield valkey
    valkey.remove()


def run_machine(
    server: DurableValkey,
    examples: int,
    machine_class: type[MailboxMachine] = MailboxMachine,
    broken_scripts: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> None:
    machine = type(
        "Machine", (machine_class,), {"server": server, "broken_scripts": broken_scripts}
    )
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_random_operations_break_no_promise(server: DurableValkey) -> None:
    run_machine(server, 8)


@pytest.mark.slow
def test_many_random_operations_break_no_promise(server: DurableValkey) -> None:
    run_machine(server, 60)


@pytest.mark.slow
def test_server_crashes_break_no_promise(server: DurableValkey) -> None:
    run_machine(server, 10, CrashingServerMachine)


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(variant, marks=[pytest.mark.slow] * (variant in SLOW_VARIANTS))
        for variant in BROKEN_SCRIPTS
    ],
)
def test_a_broken_mailbox_is_detected(server: DurableValkey, variant: str) -> None:
    # Hypothesis raises an exception group if several examples fail
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        run_machine(server, 200, broken_scripts=BROKEN_SCRIPTS[variant])
    assert "AssertionError" in repr(caught.value) or isinstance(caught.value, AssertionError)


def test_an_outdated_script_replacement_raises(server: DurableValkey) -> None:
    with pytest.raises(LookupError, match="no longer contains"):
        run_machine(server, 1, broken_scripts={"finish": ("text that is not there", "")})
