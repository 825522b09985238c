"""Records of a test's own on a suite that others use too: removed at its end, the newest first."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from smart_kit.testing.scripted_model import Line, ScriptedModel
from smart_kit.testing.suite import Person, Suite


class OwnRecords:
    """Makes them, for as long as it is entered."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._open = ExitStack()
        self._admin = self._open.enter_context(suite.admin())

    def make(self, path: str, **fields: Any) -> str:
        """Returns the id."""
        made = self._admin.post(path, json=fields)
        assert made.status_code == 201, made.text
        number = str(made.json()["id"])
        self._open.callback(self._remove, f"{path}/{number}")
        return number

    def give(self, assistant: str, tool: str) -> None:
        """Let an assistant have a tool; both by id."""
        path = f"/assistants/{assistant}/tools/{tool}"
        self._admin.post(path).raise_for_status()
        self._open.callback(self._remove, path)

    def newcomer(self, name: str, assistant: str) -> Person:
        """Somebody new, whom this assistant answers."""
        person = self._suite.newcomer(name)
        known = {"telegram_id": person.telegram_id, "first_name": name}
        user = self._admin.post("/users", json=known).raise_for_status().json()
        path = f"/users/{user['id']}"
        self.change(path, assistant_id=assistant)
        self._open.callback(self.change, path, assistant_id=None, model=None)
        return person

    def change(self, path: str, **fields: Any) -> None:
        """Fields of a record; they stay so."""
        changed = self._admin.patch(path, json=fields)
        assert changed.status_code == 200, changed.text

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()

    def _remove(self, path: str) -> None:
        removed = self._admin.delete(path)
        assert removed.status_code == 204, removed.text


@dataclass(frozen=True)
class OwnModel:
    """A model, and the server that has it for itself."""

    name: str
    url: str
    api_key: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    """Of the model, e.g. its prices."""


@dataclass(frozen=True)
class OwnAssistant:
    """A secretary that answers those people only to whom it is given."""

    suite: Suite
    id: str
    records: OwnRecords

    def newcomer(self, name: str) -> Person:
        """Somebody new, whom it answers."""
        return self.records.newcomer(name, self.id)

    def change(self, **fields: Any) -> None:
        """From the next message on."""
        self.records.change(f"/assistants/{self.id}", **fields)


@contextmanager
def own_assistant(
    suite: Suite, *models: OwnModel, tools: Sequence[str] = ()
) -> Iterator[OwnAssistant]:
    """Asks the first model, then the others; has some of the suite's tools, by name."""
    with OwnRecords(suite) as records:
        for model in models:
            server = {"name": f"server of {model.name}", "base_url": model.url}
            provider = records.make("/providers", **server, api_key=model.api_key)
            named = {"provider_id": provider, "provider_model_name": model.name}
            records.make("/models", **named, **model.fields)
        first, *others = [model.name for model in models]
        chain = {"model": first, "fallback_models": others}
        words = {"name": f"asks {first}", "instructions": "Answer."}
        assistant = records.make("/assistants", **words, **chain, is_secretary=True)
        ids = {one["name"]: one["id"] for one in suite.read("/tools", limit=200)["items"]}
        for tool in tools:
            records.give(assistant, ids[tool])
        yield OwnAssistant(suite, assistant, records)


def model_server(suite: Suite, *lines: Line, otherwise: Line | None = None) -> ScriptedModel:
    """A model of the test's that the suite's services can ask, also from containers."""
    return ScriptedModel(*lines, otherwise=otherwise, reached_at=suite.machine)
