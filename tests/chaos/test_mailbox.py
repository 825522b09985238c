"""The mailbox keeps its promises through everything that can happen, and a broken one is caught."""

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
    "no fence at the end": {"finish": (FENCE_CHECK, DISABLED_FENCE_CHECK)},
    "no fence for a delay": {"delay": (FENCE_CHECK, DISABLED_FENCE_CHECK)},
    "no fence for a lease": {"renew": (FENCE_CHECK, DISABLED_FENCE_CHECK)},
    "no fence for the journal": {"journal": (FENCE_CHECK, DISABLED_FENCE_CHECK)},
    "no deduplication": {
        "enqueue": ("if redis.call('ZSCORE', KEYS[3], ARGV[1]) then return 0 end", "")
    },
    "no waking after the end": {
        "finish": (
            "if redis.call('EXISTS', KEYS[5]) == 1 then wake_if_idle",
            "if false then wake_if_idle",
        )
    },
    "no waking after a delay": {"promote": ("wake_if_idle(KEYS[1], KEYS[2], conversation)", "")},
    "waking what is awake": {
        "enqueue": ("if redis.call('HEXISTS', active, conversation) == 1 then return end", "")
    },
    "taken out at the beginning": {"begin": ("'LINDEX', KEYS[5], 0", "'LPOP', KEYS[5]")},
    "a token that does not rise": {
        "begin": ("'HINCRBY', KEYS[3], ARGV[3], 1", "'HINCRBY', KEYS[3], ARGV[3], 0")
    },
    "a reply twice": {
        "finish": (
            "if not redis.call('ZSCORE', KEYS[12], ARGV[at]) then",
            "if true then redis.call('RPUSH', KEYS[12 + reply], ARGV[at + 2])",
        )
    },
    "a dead letter that stays": {
        "finish": (
            "redis.call('LPOP', KEYS[5])",
            "if dead_letter == '' then redis.call('LPOP', KEYS[5]) end",
        )
    },
}


SLOW_VARIANTS = frozenset(
    ("no fence for a delay", "no fence for a lease", "no fence for the journal")
)
"""After a hundred orders of events and more, which takes many seconds."""


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


def test_few_orders_of_events_break_no_promise(server: DurableValkey) -> None:
    run_machine(server, 8)


@pytest.mark.slow
def test_no_order_of_events_breaks_a_promise(server: DurableValkey) -> None:
    run_machine(server, 60)


@pytest.mark.slow
def test_no_server_crash_breaks_a_promise(server: DurableValkey) -> None:
    run_machine(server, 10, CrashingServerMachine)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(one, marks=[pytest.mark.slow] * (one in SLOW_VARIANTS))
        for one in BROKEN_SCRIPTS
    ],
)
def test_a_broken_mailbox_is_caught(server: DurableValkey, name: str) -> None:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - of several failures a group
        run_machine(server, 200, broken_scripts=BROKEN_SCRIPTS[name])
    assert "AssertionError" in repr(caught.value) or isinstance(caught.value, AssertionError)


def test_a_mailbox_that_is_not_as_it_was_when_it_was_broken_counts_for_nothing(
    server: DurableValkey,
) -> None:
    with pytest.raises(LookupError, match="no longer says"):
        run_machine(server, 1, broken_scripts={"finish": ("what it never said", "")})
