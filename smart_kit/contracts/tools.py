"""Tools: functions that models may call."""

import json
import re
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from smart_kit.contracts.base import FunctionName, JsonObject, RecordRead, RequestBody
from smart_kit.contracts.examples import EXAMPLE_IDS, example_config

ToolType = Literal["calendar", "reminder", "time", "weather", "sub_assistant", "rest"]
EffectClass = Literal["none", "reads_outside", "writes"]
HttpMethod = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


def _parse_json(value: Any) -> Any:
    """Accept the schema as a string of JSON too, as older clients send it."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON: {error}") from error


InputSchema = Annotated[JsonObject, BeforeValidator(_parse_json)]
CacheSeconds = Annotated[
    int,
    Field(
        ge=0,
        le=86_400,
        description="Seconds for which equal calls of a user share a result; not for writes",
    ),
]
PLACEHOLDER_PATTERN = re.compile(
    r"\{(?:secret:(?P<secret>[a-z][a-z0-9_]{0,63})|(?P<argument>[A-Za-z_][A-Za-z0-9_-]{0,63}))\}"
)
"""`{secret:NAME}` or `{argument}` in the texts of an HttpCall; other braces are literal."""
TemplateMap = Annotated[dict[str, str], Field(max_length=50)]
Description = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class HttpCall(RequestBody):
    """The HTTP call of a rest tool.

    `{name}` is replaced by the argument of that name, and `{secret:NAME}` by a secret. A secret may
    be in headers, in the query or as a whole segment of the path; only its origin receives it. A
    header, query parameter or body field with a missing argument is left out; the path needs all of
    its arguments.
    """

    method: HttpMethod = "GET"
    url: Annotated[str, StringConstraints(min_length=8, max_length=2048)] = Field(
        description="http or https; an argument may only be in the path, and fills one segment",
        examples=["https://api.example.org/v1/words/{word}"],
    )
    query: TemplateMap = Field(default_factory=dict, examples=[{"lang": "{language}"}])
    headers: TemplateMap = Field(
        default_factory=dict, examples=[{"Authorization": "Bearer {secret:words}"}]
    )
    body: JsonObject | None = None
    """Sent as JSON; a value "{name}" is the argument itself, with its type."""


class ToolCreate(RequestBody):
    """A new tool."""

    model_config = example_config(name="get_time", tool_type="time", description="The exact time.")

    name: FunctionName
    tool_type: ToolType
    description: Description
    input_schema: InputSchema | None = None
    """JSON Schema (2020-12) of the arguments; null: the function's own. A $ref must be local, and
    patterns have no look-around and no backreferences."""
    assistant_id: UUID | None = None
    """The assistant that a sub_assistant tool calls."""
    http_call: HttpCall | None = Field(None, description="The HTTP call of a rest tool")
    effect_class: EffectClass | None = None
    """For rest tools only; null: writes, which are performed at most once."""
    cache_seconds: CacheSeconds = 0
    is_active: bool = True


class ToolUpdate(RequestBody):
    """The fields to change. Omitted fields keep their values."""

    model_config = example_config(description="The exact time, anywhere.")

    name: FunctionName | None = None
    tool_type: ToolType | None = None
    description: Description | None = None
    input_schema: InputSchema | None = None
    assistant_id: UUID | None = None
    http_call: HttpCall | None = None
    effect_class: EffectClass | None = None
    cache_seconds: CacheSeconds | None = None
    is_active: bool | None = None


class ToolRead(RecordRead):
    """A tool."""

    name: str
    tool_type: ToolType
    description: str
    input_schema: JsonObject
    assistant_id: UUID | None
    http_call: HttpCall | None
    effect_class: EffectClass = Field(description="Of the built-in function, or of the record")
    cache_seconds: int
    is_active: bool


class AssistantToolCreate(RequestBody):
    """Gives a tool to an assistant."""

    model_config = example_config(
        assistant_id=EXAMPLE_IDS["assistants"], tool_id=EXAMPLE_IDS["tools"]
    )

    assistant_id: UUID
    tool_id: UUID
    sub_assistant_id: UUID | None = None
    """The assistant that the tool calls here; overrides the tool's assistant_id."""
    is_active: bool = True


class AssistantToolUpdate(RequestBody):
    """The fields to change. Omitted fields keep their values."""

    model_config = example_config(is_active=False)

    sub_assistant_id: UUID | None = None
    is_active: bool | None = None


class AssistantToolRead(RecordRead):
    """A link between an assistant and a tool."""

    assistant_id: UUID
    tool_id: UUID
    sub_assistant_id: UUID | None
    is_active: bool
