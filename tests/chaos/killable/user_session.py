"""A user's conversation with the bot, and what has to come of it whichever service is killed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from smart_kit.testing.suite import Person, wait_until
from tests.chaos.killable.delivery_assertions import Patterns, check_deliveries, matches
from tests.chaos.killable.killable_suite import KillableSuite

PATIENCE = 60.0
"""Seconds; it only ends what hangs."""


@dataclass
class UserSession:
    """One user's session. What is asked is noted as what has to be answered, once and in order."""

    killable: KillableSuite
    person: Person
    answers: list[Patterns] = field(default_factory=list)
    """In this order."""
    alarms: list[Patterns] = field(default_factory=list)
    """Whenever they come."""
    reminders: set[str] = field(default_factory=set)
    """The texts of all that have to be there, fired or not."""
    tasks: set[str] = field(default_factory=set)
    is_settled: "Callable[[UserSession], bool] | None" = None
    """Whether nothing is on its way to the user any more: what is not there then is lost, and not
    waited for."""
    turns: int = 0
    """How many the archive has to have."""
    others: list["UserSession"] = field(default_factory=list)

    @classmethod
    def of_new_user(
        cls,
        killable: KillableSuite,
        is_settled: "Callable[[UserSession], bool] | None" = None,
    ) -> "UserSession":
        """The session of a user whom no service knows yet."""
        killable.people += 1
        person = killable.suite.person(f"Somebody {killable.people}")
        return cls(killable, person, is_settled=is_settled)

    def another(self) -> "UserSession":
        """The session of another new user, which `check` checks too."""
        self.others.append(UserSession.of_new_user(self.killable, self.is_settled))
        return self.others[-1]

    @cached_property
    def user_id(self) -> str:
        """Of rest_service; they have to have written."""
        path = f"/users/by-telegram-id/{self.person.telegram_id}"
        return str(self.killable.api("GET", path)["id"])

    @property
    def number(self) -> int:
        """Another one each time something is asked."""
        return 100 + len(self.answers) + len(self.alarms)

    def ask(self, text: str, *words: str, turns: int = 1) -> None:
        """Say something, and wait for the message with these words."""
        self.say(text, *words, turns=turns)
        self.hear(*words)

    def say(self, text: str, *words: str, turns: int = 1) -> None:
        """Say something that has to be answered so."""
        self.answers.append(words)
        self.turns += turns
        self.person.say(text)

    def hear(self, *words: str) -> None:
        """Wait for the message with these words."""
        if self.is_settled is not None:
            is_settled = self.is_settled
            wait_until(lambda: self._has_heard(words) or is_settled(self), PATIENCE)
            assert self._has_heard(words), f"no such answer, and none is on its way: {words}"
        self.person.wait_for(0, lambda said: matches(said, words), PATIENCE)

    def heard(self) -> list[str]:
        """All that the bot has said."""
        return [one["text"] for one in self.person.messages() if one["from"] == "bot"]

    def _has_heard(self, words: Patterns) -> bool:
        return any(matches(said, words) for said in self.heard())

    def check(self, spare: int) -> None:
        """Every promise; `spare` messages may have come once more than they should, see
        delivery_assertions.

        Raises AssertionError.
        """
        heard = self.heard()
        check_deliveries(heard, self.answers, self.alarms, spare)
        for said in set(heard):
            receipts = [line for line in said.splitlines() if line.startswith(("✓", "↩"))]
            assert len(receipts) == len(set(receipts)) <= 1, f"doubled receipt: {said}"
        if self.answers or self.alarms:
            self._check_records()
        for other in self.others:
            other.check(spare)

    def _check_records(self) -> None:
        """In Postgres each thing is there once, and each turn is archived once."""
        jobs = sorted(one["text"] for one in self._items("cron-jobs"))
        assert jobs == sorted(self.reminders), jobs
        tasks = sorted(one["title"] for one in self._items("tasks"))
        assert tasks == sorted(self.tasks), tasks
        wait_until(lambda: len(self._items("turns")) >= self.turns, PATIENCE)
        turns = self._items("turns")
        assert len(turns) == self.turns, turns
        steps = [(one["message_id"], one["step"]) for one in self._items("effects")]
        assert len(steps) == len(set(steps)), steps

    def _items(self, kind: str) -> list[dict[str, Any]]:
        path = f"/{kind}?user_id={self.user_id}&limit=100"
        items: list[dict[str, Any]] = self.killable.api("GET", path)["items"]
        return items
