"""A user's conversation with the bot, and what has to come of it whichever service is killed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from smart_kit.testing.suite_harness import SandboxUser, wait_until
from tests.chaos.killable.delivery_assertions import Patterns, assert_deliveries, matches
from tests.chaos.killable.killable_suite import KillableSuite

TIMEOUT_SECONDS = 60.0
"""Seconds; it only ends what hangs."""


@dataclass
class UserSession:
    """One user's session. What is asked is noted as what has to be answered, once and in order."""

    killable: KillableSuite
    user: SandboxUser
    expected_answers: list[Patterns] = field(default_factory=list)
    """In this order."""
    expected_alarms: list[Patterns] = field(default_factory=list)
    """Whenever they come."""
    expected_reminders: set[str] = field(default_factory=set)
    """The texts of all that have to be there, fired or not."""
    expected_tasks: set[str] = field(default_factory=set)
    is_settled: "Callable[[UserSession], bool] | None" = None
    """Whether nothing is on its way to the user any more: what is not there then is lost, and not
    waited for."""
    expected_turns: int = 0
    """How many the archive has to have."""
    others: list["UserSession"] = field(default_factory=list)

    @classmethod
    def for_new_user(
        cls,
        killable: KillableSuite,
        is_settled: "Callable[[UserSession], bool] | None" = None,
    ) -> "UserSession":
        """The session of a user whom no service knows yet."""
        killable.user_count += 1
        person = killable.suite.get_or_create_user(f"Somebody {killable.user_count}")
        return cls(killable, person, is_settled=is_settled)

    def create_other(self) -> "UserSession":
        """The session of another new user, which `check` checks too."""
        self.others.append(UserSession.for_new_user(self.killable, self.is_settled))
        return self.others[-1]

    @cached_property
    def user_id(self) -> str:
        """Of rest_service; they have to have written."""
        path = f"/users/by-telegram-id/{self.user.telegram_id}"
        return str(self.killable.call_api("GET", path)["id"])

    @property
    def next_number(self) -> int:
        """Another one each time something is asked."""
        return 100 + len(self.expected_answers) + len(self.expected_alarms)

    def send_and_wait(self, text: str, *patterns: str, turns: int = 1) -> None:
        """Say something, and wait for the message with these words."""
        self.send(text, *patterns, turns=turns)
        self.wait_for_message(*patterns)

    def send(self, text: str, *patterns: str, turns: int = 1) -> None:
        """Say something that has to be answered so."""
        self.expected_answers.append(patterns)
        self.expected_turns += turns
        self.user.send(text)

    def wait_for_message(self, *patterns: str) -> None:
        """Wait for the message with these words."""
        if self.is_settled is not None:
            is_settled = self.is_settled
            wait_until(lambda: self._has_received(patterns) or is_settled(self), TIMEOUT_SECONDS)
            assert self._has_received(patterns), (
                f"no such answer, and none is on its way: {patterns}"
            )
        self.user.wait_for_message(0, lambda said: matches(said, patterns), TIMEOUT_SECONDS)

    def get_received_texts(self) -> list[str]:
        """All that the bot has said."""
        return [one["text"] for one in self.user.get_messages() if one["from"] == "bot"]

    def _has_received(self, patterns: Patterns) -> bool:
        return any(matches(said, patterns) for said in self.get_received_texts())

    def assert_promises(self, allowed_duplicates: int) -> None:
        """Every promise; `spare` messages may have come once more than they should, see
        delivery_assertions.

        Raises AssertionError.
        """
        received = self.get_received_texts()
        assert_deliveries(received, self.expected_answers, self.expected_alarms, allowed_duplicates)
        for said in set(received):
            receipts = [line for line in said.splitlines() if line.startswith(("✓", "↩"))]
            assert len(receipts) == len(set(receipts)) <= 1, f"doubled receipt: {said}"
        if self.expected_answers or self.expected_alarms:
            self._assert_records()
        for other in self.others:
            other.assert_promises(allowed_duplicates)

    def _assert_records(self) -> None:
        """In Postgres each thing is there once, and each turn is archived once."""
        jobs = sorted(one["text"] for one in self._get_items("cron-jobs"))
        assert jobs == sorted(self.expected_reminders), jobs
        tasks = sorted(one["title"] for one in self._get_items("tasks"))
        assert tasks == sorted(self.expected_tasks), tasks
        wait_until(lambda: len(self._get_items("turns")) >= self.expected_turns, TIMEOUT_SECONDS)
        turns = self._get_items("turns")
        assert len(turns) == self.expected_turns, turns
        steps = [(one["message_id"], one["step"]) for one in self._get_items("effects")]
        assert len(steps) == len(set(steps)), steps

    def _get_items(self, kind: str) -> list[dict[str, Any]]:
        path = f"/{kind}?user_id={self.user_id}&limit=100"
        items: list[dict[str, Any]] = self.killable.call_api("GET", path)["items"]
        return items
