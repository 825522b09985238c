"""A person's conversation and what has to come of it, whoever dies meanwhile."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from smart_kit.testing.suite import Person, wait_until
from tests.chaos.killable.hearing import Words, check_heard, holds
from tests.chaos.killable.suite import Stage

PATIENCE = 60.0
"""Seconds: a lease, a start on a busy machine, and as much again."""


@dataclass
class Talk:
    """One person's. What is asked is noted as what has to be answered, once and in order."""

    stage: Stage
    person: Person
    answers: list[Words] = field(default_factory=list)
    """In this order."""
    alarms: list[Words] = field(default_factory=list)
    """Whenever they come."""
    reminders: set[str] = field(default_factory=set)
    """The texts of all that have to be there, fired or not."""
    tasks: set[str] = field(default_factory=set)
    patience: float = PATIENCE
    turns: int = 0
    """How many the archive has to have."""
    others: list["Talk"] = field(default_factory=list)

    @classmethod
    def of_newcomer(cls, stage: Stage, patience: float = PATIENCE) -> "Talk":
        """Of somebody whom nobody knows."""
        stage.people += 1
        return cls(stage, stage.suite.person(f"Somebody {stage.people}"), patience=patience)

    def another(self) -> "Talk":
        """Of somebody else; their promises count too."""
        self.others.append(Talk.of_newcomer(self.stage, self.patience))
        return self.others[-1]

    @cached_property
    def user_id(self) -> str:
        """Of rest_service; they have to have written."""
        path = f"/users/by-telegram-id/{self.person.telegram_id}"
        return str(self.stage.api("GET", path)["id"])

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
        self.person.wait_for(0, lambda said: holds(said, words), self.patience)

    def heard(self) -> list[str]:
        """All that the bot has said."""
        return [one["text"] for one in self.person.messages() if one["from"] == "bot"]

    def check(self, spare: int) -> None:
        """Every promise; `spare` messages may have come once more than they should, see hearing.

        Raises AssertionError.
        """
        heard = self.heard()
        check_heard(heard, self.answers, self.alarms, spare)
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
        items: list[dict[str, Any]] = self.stage.api("GET", path)["items"]
        return items
