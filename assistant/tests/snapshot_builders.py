"""Builds the snapshots that rest_service would write, and the ids of their records."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from smart_kit.contracts.builtin_functions import FUNCTIONS
from smart_kit.contracts.configuration import AssistantSnapshot, ModelSnapshot, ToolSnapshot
from smart_kit.contracts.threads import derive_first_thread_id
from smart_kit.contracts.users import UserSnapshot

ALICE = 1001
BOT = 77
SENT_AT = datetime(2026, 11, 21, 12, 24, 30, tzinfo=UTC)
"""Sat 13:24:30 in Berlin."""

_TEST_NAMESPACE = UUID(int=7)


def id_for(name: str) -> UUID:
    """Return the id of the record that a test calls by this name."""
    return uuid5(_TEST_NAMESPACE, name)


ALICES_THREAD = derive_first_thread_id(id_for(str(ALICE)), id_for("Secretary"))


def make_tool(
    function: str, name: str = "", *, sub_assistant: str = "", **changes: Any
) -> ToolSnapshot:
    """Return a record of a built-in function; `sub_assistant` names the assistant it calls."""
    built_in = next(one for one in FUNCTIONS if one.name == function)
    record = ToolSnapshot(
        id=uuid4(),
        name=name or function,
        tool_type=built_in.tool_type,
        description=f"What {name or function} does",
        input_schema=built_in.schema,
        sub_assistant_id=id_for(sub_assistant) if sub_assistant else None,
    )
    return record.model_copy(update=changes)


def make_assistant(name: str, *tools: ToolSnapshot, **changes: Any) -> AssistantSnapshot:
    """An assistant's record."""
    record = AssistantSnapshot(
        id=id_for(name),
        name=name,
        is_secretary=False,
        model=None,
        instructions=f"You are {name}.",
        assistant_type="llm",
        tools=tools,
    )
    return record.model_copy(update=changes)


def make_secretary(*tools: ToolSnapshot, **changes: Any) -> AssistantSnapshot:
    """The default assistant's record."""
    return make_assistant("Secretary", *tools, is_secretary=True, **changes)


def make_model(name: str, **changes: Any) -> ModelSnapshot:
    """Return the record of a model on the test's server, with tools and without streaming."""
    record = ModelSnapshot(
        id=id_for(name),
        name=name,
        provider_id=id_for("provider"),
        capabilities=frozenset({"tools"}),
    )
    return record.model_copy(update=changes)


def make_user(telegram_id: int = ALICE, **changes: Any) -> UserSnapshot:
    """Return a user in Berlin."""
    snapshot = UserSnapshot(
        id=id_for(str(telegram_id)),
        telegram_id=telegram_id,
        first_name="Alice",
        role="user",
        status="active",
        is_invited=True,
        language_code="en",
        language=None,
        timezone="Europe/Berlin",
        assistant_id=None,
        version=1,
    )
    return snapshot.model_copy(update=changes)
