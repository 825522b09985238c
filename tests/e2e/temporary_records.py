"""Records of a test's own on a suite that others use too: removed at its end, the newest first."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from smart_kit.testing.scripted_model import ScriptedModel, ScriptStep
from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness


class TemporaryRecords:
    """Makes them, for as long as it is entered."""

    def __init__(self, suite: SuiteHarness) -> None:
        self._suite = suite
        self._exit_stack = ExitStack()
        self._admin = self._exit_stack.enter_context(suite.make_admin_client())

    def create(self, path: str, **fields: Any) -> str:
        """Returns the id."""
        made = self._admin.post(path, json=fields)
        assert made.status_code == 201, made.text
        number = str(made.json()["id"])
        self._exit_stack.callback(self._remove, f"{path}/{number}")
        return number

    def attach_tool(self, assistant: str, tool: str) -> None:
        """Let an assistant have a tool; both by id."""
        path = f"/assistants/{assistant}/tools/{tool}"
        self._admin.post(path).raise_for_status()
        self._exit_stack.callback(self._remove, path)

    def create_user(self, name: str, assistant: str) -> SandboxUser:
        """Somebody new, whom this assistant answers."""
        person = self._suite.create_user(name)
        known = {"telegram_id": person.telegram_id, "first_name": name}
        user = self._admin.post("/users", json=known).raise_for_status().json()
        path = f"/users/{user['id']}"
        self.update(path, assistant_id=assistant)
        self._exit_stack.callback(self.update, path, assistant_id=None, model=None)
        return person

    def update(self, path: str, **fields: Any) -> None:
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
        self._exit_stack.close()

    def _remove(self, path: str) -> None:
        removed = self._admin.delete(path)
        assert removed.status_code == 204, removed.text


@dataclass(frozen=True)
class ModelSpec:
    """A model, and the server that has it for itself."""

    name: str
    url: str
    api_key: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    """Of the model, e.g. its prices."""


@dataclass(frozen=True)
class TemporaryAssistant:
    """A secretary that answers those people only to whom it is given."""

    suite: SuiteHarness
    id: str
    records: TemporaryRecords

    def create_user(self, name: str) -> SandboxUser:
        """Somebody new, whom it answers."""
        return self.records.create_user(name, self.id)

    def update(self, **fields: Any) -> None:
        """From the next message on."""
        self.records.update(f"/assistants/{self.id}", **fields)


@contextmanager
def temporary_assistant(
    suite: SuiteHarness, *models: ModelSpec, tools: Sequence[str] = ()
) -> Iterator[TemporaryAssistant]:
    """Asks the first model, then the others; has some of the suite's tools, by name."""
    with TemporaryRecords(suite) as records:
        for model in models:
            server = {"name": f"server of {model.name}", "base_url": model.url}
            provider = records.create("/providers", **server, api_key=model.api_key)
            named = {"provider_id": provider, "provider_model_name": model.name}
            records.create("/models", **named, **model.fields)
        first, *others = [model.name for model in models]
        chain = {"model": first, "fallback_models": others}
        identity = {"name": f"asks {first}", "instructions": "Answer."}
        assistant = records.create("/assistants", **identity, **chain, is_secretary=True)
        ids = {one["name"]: one["id"] for one in suite.get_json("/tools", limit=200)["items"]}
        for tool in tools:
            records.attach_tool(assistant, ids[tool])
        yield TemporaryAssistant(suite, assistant, records)


def make_model_server(
    suite: SuiteHarness, *steps: ScriptStep, default_step: ScriptStep | None = None
) -> ScriptedModel:
    """A model of the test's that the suite's services can ask, also from containers."""
    return ScriptedModel(*steps, default_step=default_step, host=suite.test_host)
