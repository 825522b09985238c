"""The arguments of the built-in functions, which apply whatever the schema of a record says."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.cron_jobs import CronExpression, JobText, RecurrenceRule
from smart_kit.contracts.tasks import TaskPriority, TaskStatus, TaskTitle
from smart_kit.contracts.tools import EffectClass, ToolType
from smart_kit.settings import Language

_Place = Annotated[str, StringConstraints(max_length=200)]


class Arguments(BaseModel):
    """Arguments that a model writes. Unknown ones are refused, so that typos are noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class GetTimeArguments(Arguments):
    """Arguments of get_time."""

    place: _Place | None = Field(
        None, description="City or IANA time zone, e.g. Tokyo or Europe/Berlin; omit for the user's"
    )


class ReminderTimes(Arguments):
    """When a reminder comes: at most one of `at`, `in_seconds` and `cron`; `rrule` needs `at`."""

    at: datetime | None = Field(None, description="ISO 8601 in the user's time zone")
    in_seconds: int | None = Field(None, ge=1, le=366 * 86400, description="Seconds from now")
    cron: CronExpression | None = Field(
        None, description="Five cron fields in the user's time zone, for a recurring reminder"
    )
    rrule: RecurrenceRule | None = Field(
        None,
        description="RFC 5545 rule for what cron cannot say, e.g."
        " FREQ=WEEKLY;INTERVAL=2;BYDAY=FR; `at` is its first time",
    )

    @property
    def has_time(self) -> bool:
        """Whether a time is given."""
        return (self.at, self.in_seconds, self.cron) != (None, None, None)

    @property
    def depends_on_timezone(self) -> bool:
        """Whether the time means another instant in another time zone."""
        return self.at is not None or self.cron is not None

    @model_validator(mode="after")
    def _require_one_time(self) -> Self:
        given = [name for name in ("at", "in_seconds", "cron") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError("give only one of at, in_seconds and cron")
        if self.rrule is not None and self.at is None:
            raise ValueError("rrule needs at, the first time")
        return self


class CreateReminderArguments(ReminderTimes):
    """Arguments of create_reminder."""

    text: JobText = Field(description="What to remind of, in the user's words and language")
    prompt: bool = Field(
        False, description="true: act on the text at that time instead of sending it"
    )

    @model_validator(mode="after")
    def _require_time(self) -> Self:
        if not self.has_time:
            raise ValueError("give one of at, in_seconds and cron")
        return self


class ListRemindersArguments(Arguments):
    """Arguments of list_reminders."""


class ChangeReminderArguments(ReminderTimes):
    """Arguments of change_reminder."""

    id: UUID = Field(description="As list_reminders gives it")
    text: JobText | None = None
    at: datetime | None = Field(None, description="The times are as for create_reminder")
    in_seconds: int | None = Field(None, ge=1, le=366 * 86400)
    cron: CronExpression | None = None
    rrule: RecurrenceRule | None = None

    @model_validator(mode="after")
    def _require_change(self) -> Self:
        if self.model_fields_set <= {"id"}:
            raise ValueError("give at least one thing to change")
        return self


class CancelReminderArguments(Arguments):
    """Arguments of cancel_reminder."""

    id: UUID = Field(description="As list_reminders gives it")


class ChangeSettingsArguments(Arguments):
    """Arguments of change_settings."""

    place: _Place | None = Field(
        None, description="City where the user lives, or IANA time zone: sets the time zone"
    )
    language: Language | None = Field(None, description="Language of the bot's own texts")

    @model_validator(mode="after")
    def _require_change(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give place or language")
        return self


class CreateTaskArguments(Arguments):
    """Arguments of create_task."""

    title: TaskTitle = Field(description="What is to be done, in the user's words and language")
    due: datetime | date | None = Field(
        None, description="ISO 8601 in the user's time zone; a date alone means by its end"
    )
    priority: TaskPriority | None = None


class ListTasksArguments(Arguments):
    """Arguments of list_tasks."""

    status: TaskStatus | None = Field(None, description="Omit for the open ones")


class ChangeTaskArguments(Arguments):
    """Arguments of change_task."""

    id: UUID = Field(description="As list_tasks gives it")
    title: TaskTitle | None = None
    status: TaskStatus | None = None
    due: datetime | date | None = Field(None, description="As for create_task")
    priority: TaskPriority | None = None

    @model_validator(mode="after")
    def _require_change(self) -> Self:
        if self.model_fields_set <= {"id"}:
            raise ValueError("give at least one thing to change")
        return self


class GetWeatherArguments(Arguments):
    """Arguments of get_weather."""

    place: _Place | None = Field(
        None, description="City, with its country where the name is common; omit for the user's"
    )
    days: int | None = Field(None, ge=1, le=7, description="Days of forecast from today, default 1")


class AskAssistantArguments(Arguments):
    """Arguments of a sub-assistant tool, whatever its name."""

    message: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] = Field(
        description="The whole request, with everything the other assistant needs to know"
    )


@dataclass(frozen=True)
class BuiltinFunction:
    """A built-in function."""

    tool_type: ToolType
    name: str
    arguments: type[Arguments]
    effect_class: EffectClass
    is_renamable: bool = False
    """Whether the record of the tool may have another name."""

    @property
    def schema(self) -> JsonObject:
        """The JSON Schema of the arguments for models, without titles, null types and lengths."""
        return _compact_schema(self.arguments.model_json_schema())


FUNCTIONS: tuple[BuiltinFunction, ...] = (
    BuiltinFunction("time", "get_time", GetTimeArguments, "none", is_renamable=True),
    BuiltinFunction("time", "change_settings", ChangeSettingsArguments, "writes"),
    BuiltinFunction("reminder", "create_reminder", CreateReminderArguments, "writes"),
    BuiltinFunction("reminder", "list_reminders", ListRemindersArguments, "none"),
    BuiltinFunction("reminder", "change_reminder", ChangeReminderArguments, "writes"),
    BuiltinFunction("reminder", "cancel_reminder", CancelReminderArguments, "writes"),
    BuiltinFunction("reminder", "create_task", CreateTaskArguments, "writes"),
    BuiltinFunction("reminder", "list_tasks", ListTasksArguments, "none"),
    BuiltinFunction("reminder", "change_task", ChangeTaskArguments, "writes"),
    BuiltinFunction(
        "weather", "get_weather", GetWeatherArguments, "reads_outside", is_renamable=True
    ),
    BuiltinFunction(
        "sub_assistant", "ask_assistant", AskAssistantArguments, "none", is_renamable=True
    ),
)


def find_function(tool_type: ToolType, name: str) -> BuiltinFunction | None:
    """Return the built-in function of a tool record, or None."""
    candidates = [function for function in FUNCTIONS if function.tool_type == tool_type]
    named = next((one for one in candidates if one.name == name), None)
    return named or next((one for one in candidates if one.is_renamable), None)


def _compact_schema(schema: JsonObject) -> JsonObject:
    """Remove what only costs tokens: titles, defaults, null types, and lengths, which the code
    checks and which no sensible call exceeds."""
    properties = {name: _compact_property(part) for name, part in schema["properties"].items()}
    compact: JsonObject = {"type": "object", "properties": properties}
    if schema.get("required"):
        compact["required"] = schema["required"]
    return compact | {"additionalProperties": False}


def _compact_property(part: JsonObject) -> JsonObject:
    types = [kind for kind in part.get("anyOf", ()) if kind != {"type": "null"}]
    merged = (types[0] if types else {}) | {k: v for k, v in part.items() if k != "anyOf"}
    omitted = {"title", "default", "examples", "minLength", "maxLength"}
    if len(types) > 1:
        omitted.add("format")
    return {key: value for key, value in merged.items() if key not in omitted}
