"""A user's conversation with the bot, and the results that hold whichever service is killed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from smart_kit.testing.suite_harness import SandboxUser, wait_until
from tests.chaos.killable.delivery_assertions import Patterns, assert_deliveries, matches
from tests.chaos.killable.killable_suite import KillableSuite

TIMEOUT_SECONDS = 60.0
"""An upper limit that only a hanging test reaches."""


@dataclass
class UserSession:
    """The session of one user. Each message sent adds the answer that is expected for it."""

    killable: KillableSuite
    user: SandboxUser
    expected_answers: list[Patterns] = field(default_factory=list)
    """In this order, each once."""
    expected_alarms: list[Patterns] = field(default_factory=list)
    """Due reminders: each once, at any time."""
    expected_reminders: set[str] = field(default_factory=set)
    """The texts of all reminders in Postgres, fired or not."""
    expected_tasks: set[str] = field(default_factory=set)
    """The titles of all tasks in Postgres."""
    is_settled: "Callable[[UserSession], bool] | None" = None
    """Returns whether no message to the user is in progress: a missing one is lost then, and
    waiting for it is pointless."""
    expected_turns: int = 0
    """The number of archived turns."""
    others: list["UserSession"] = field(default_factory=list)
    """Sessions of further users, which `assert_promises` checks too."""

    @classmethod
    def for_new_user(
        cls,
        killable: KillableSuite,
        is_settled: "Callable[[UserSession], bool] | None" = None,
    ) -> "UserSession":
        """Create the session of a user who is new to all services."""
        killable.user_count += 1
        user = killable.suite.get_or_create_user(f"User {killable.user_count}")
        return cls(killable, user, is_settled=is_settled)

    def create_other(self) -> "UserSession":
        """Create the session of another new user, and add it to `others`."""
        self.others.append(UserSession.for_new_user(self.killable, self.is_settled))
        return self.others[-1]

    @cached_property
    def user_id(self) -> str:
        """The user's id in rest_service, which exists after the first message."""
        path = f"/users/by-telegram-id/{self.user.telegram_id}"
        return str(self.killable.call_api("GET", path)["id"])

    @property
    def next_number(self) -> int:
        """A number that differs for each expected message, to tell questions apart."""
        return 100 + len(self.expected_answers) + len(self.expected_alarms)

    def send_and_wait(self, text: str, *patterns: str, turns: int = 1) -> None:
        """Send a message, and wait for an answer that matches the patterns."""
        self.send(text, *patterns, turns=turns)
        self.wait_for_message(*patterns)

    def send(self, text: str, *patterns: str, turns: int = 1) -> None:
        """Send a message, and expect an answer that matches the patterns and so many turns."""
        self.expected_answers.append(patterns)
        self.expected_turns += turns
        self.user.send(text)

    def wait_for_message(self, *patterns: str) -> None:
        """Wait for a message of the bot that matches the patterns."""
        if self.is_settled is not None:
            is_settled = self.is_settled
            wait_until(lambda: self._has_received(patterns) or is_settled(self), TIMEOUT_SECONDS)
            assert self._has_received(patterns), f"the answer {patterns} is lost"
        self.user.wait_for_message(0, lambda text: matches(text, patterns), TIMEOUT_SECONDS)

    def get_received_texts(self) -> list[str]:
        """Return the texts of all messages of the bot, oldest first."""
        return self.user.get_bot_texts()

    def _has_received(self, patterns: Patterns) -> bool:
        return any(matches(text, patterns) for text in self.get_received_texts())

    def assert_promises(self, allowed_duplicates: int) -> None:
        """Assert that messages, receipts and records are as expected, also for `others`.

        `allowed_duplicates`: see delivery_assertions.py.
        """
        received = self.get_received_texts()
        assert_deliveries(received, self.expected_answers, self.expected_alarms, allowed_duplicates)
        for text in set(received):
            marks = ("✓", "↩")
            lines = [line for line in text.splitlines() if line.startswith(marks)]
            # the answer to a request that waited for the time zone has a receipt for both
            receipts = [line for line in lines if not line.startswith("✓ Time zone")]
            assert len(receipts) == len(set(receipts)) <= 1, f"several receipts: {text}"
        if self.expected_answers or self.expected_alarms:
            self._assert_records()
        for other in self.others:
            other.assert_promises(allowed_duplicates)

    def _assert_records(self) -> None:
        """Assert that Postgres holds each expected reminder, task and turn exactly once."""
        reminders = sorted(job["text"] for job in self._get_items("cron-jobs"))
        assert reminders == sorted(self.expected_reminders), reminders
        tasks = sorted(task["title"] for task in self._get_items("tasks"))
        assert tasks == sorted(self.expected_tasks), tasks
        wait_until(lambda: len(self._get_items("turns")) >= self.expected_turns, TIMEOUT_SECONDS)
        turns = self._get_items("turns")
        assert len(turns) == self.expected_turns, turns
        steps = [(effect["message_id"], effect["step"]) for effect in self._get_items("effects")]
        assert len(steps) == len(set(steps)), steps

    def _get_items(self, kind: str) -> list[dict[str, Any]]:
        path = f"/{kind}?user_id={self.user_id}&limit=100"
        items: list[dict[str, Any]] = self.killable.call_api("GET", path)["items"]
        return items
