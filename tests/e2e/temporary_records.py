"""Records that a test adds to a shared suite; they are removed at its end, the newest first."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    ScriptedResponse,
    ScriptStep,
    make_text_response,
)
from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness


class TemporaryRecords(ExitStack):
    """Creates records, and removes them when the context ends."""

    def __init__(self, suite: SuiteHarness) -> None:
        super().__init__()
        self._suite = suite
        self._admin = self.enter_context(suite.make_admin_client())

    def create(self, path: str, **fields: Any) -> str:
        """Create a record, and return its id."""
        created = self._admin.post(path, json=fields)
        assert created.status_code == 201, created.text
        record_id = str(created.json()["id"])
        self.callback(self._remove, f"{path}/{record_id}")
        return record_id

    def attach_tool(self, assistant_id: str, tool_id: str) -> None:
        path = f"/assistants/{assistant_id}/tools/{tool_id}"
        self._admin.post(path).raise_for_status()
        self.callback(self._remove, path)

    def create_user(self, name: str, assistant_id: str) -> SandboxUser:
        """Create a user whom this assistant answers. The user stays, without the assistant."""
        user = self._suite.create_user(name)
        fields = {"telegram_id": user.telegram_id, "first_name": name}
        record = self._admin.post("/users", json=fields).raise_for_status().json()
        path = f"/users/{record['id']}"
        self.update(path, assistant_id=assistant_id)
        self.callback(self.update, path, assistant_id=None, model=None)
        return user

    def update(self, path: str, **fields: Any) -> None:
        """Update fields of a record. The old values are not restored."""
        updated = self._admin.patch(path, json=fields)
        assert updated.status_code == 200, updated.text

    def _remove(self, path: str) -> None:
        removed = self._admin.delete(path)
        assert removed.status_code == 204, removed.text


@dataclass(frozen=True)
class ModelSpec:
    """A model and its server, which serves no other model."""

    name: str
    url: str
    api_key: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    """Further fields of the model record, e.g. prices."""


@dataclass(frozen=True)
class TemporaryAssistant:
    """A secretary that answers only the users created by it."""

    suite: SuiteHarness
    id: str
    records: TemporaryRecords

    def create_user(self, name: str) -> SandboxUser:
        """Create a user whom this assistant answers."""
        return self.records.create_user(name, self.id)

    def update(self, **fields: Any) -> None:
        """Update fields of the assistant, which take effect with the next message."""
        self.records.update(f"/assistants/{self.id}", **fields)


@contextmanager
def temporary_assistant(
    suite: SuiteHarness, *models: ModelSpec, tools: Sequence[str] = ()
) -> Iterator[TemporaryAssistant]:
    """Create an assistant with the first model, the others as fallbacks, and tools by name."""
    with TemporaryRecords(suite) as records:
        for model in models:
            provider_id = records.create(
                "/providers",
                name=get_provider_name(model.name),
                base_url=model.url,
                api_key=model.api_key,
            )
            records.create(
                "/models",
                provider_id=provider_id,
                provider_model_name=model.name,
                **model.fields,
            )
        first, *fallbacks = [model.name for model in models]
        assistant_id = records.create(
            "/assistants",
            name=f"asks {first}",
            instructions="Answer.",
            model=first,
            fallback_models=fallbacks,
            is_secretary=True,
        )
        ids = {tool["name"]: tool["id"] for tool in suite.get_json("/tools", limit=200)["items"]}
        for name in tools:
            records.attach_tool(assistant_id, ids[name])
        yield TemporaryAssistant(suite, assistant_id, records)


def get_provider_name(model_name: str) -> str:
    """Return the name of the provider that `temporary_assistant` creates for a model."""
    return f"server of {model_name}"


def make_model_server(
    suite: SuiteHarness, *steps: ScriptStep, default_step: ScriptStep | None = None
) -> ScriptedModel:
    """Create a model server that the services of the suite can reach, also from containers."""
    return ScriptedModel(*steps, default_step=default_step, host=suite.test_host)


def echo_instructions(request: RecordedRequest) -> ScriptedResponse:
    """Answer with the instructions in the request: a `default_step` of a model server."""
    return make_text_response(request.messages[0]["content"])
