"""Tools: each record is one function that a model may call."""

import json
import re
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from smart_kit.contracts.base import Contract, FunctionName, JsonObject, RequestBody, UtcDatetime
from smart_kit.contracts.examples import EXAMPLE_IDS, example

ToolType = Literal["calendar", "reminder", "time", "weather", "sub_assistant", "rest"]
EffectClass = Literal["none", "reads_outside", "writes"]
HttpMethod = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


def _parse_json(value: Any) -> Any:
    """Older clients send the schema as a string of JSON."""
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
        description="So long the same call of the same person is answered the same; not for writes",
    ),
]
PLACEHOLDER_PATTERN = re.compile(
    r"\{(?:secret:(?P<secret>[a-z][a-z0-9_]{0,63})|(?P<argument>[A-Za-z_][A-Za-z0-9_-]{0,63}))\}"
)
"""`{secret:NAME}` or `{argument}` in the texts of a HttpCall; other braces are braces."""
TemplateMap = Annotated[dict[str, str], Field(max_length=50)]
Description = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class HttpCall(RequestBody):
    """The call that a rest tool makes.

    `{name}` stands for the argument of that name, `{secret:NAME}` (in headers, the query, and as a
    whole part of the path) for a secret, which goes only to the server it was given for. What names
    an argument that was not given is left out; a path cannot do without.
    """

    method: HttpMethod = "GET"
    url: Annotated[str, StringConstraints(min_length=8, max_length=2048)] = Field(
        description="http or https; arguments may stand in its path only, and fill one segment",
        examples=["https://api.example.org/v1/words/{word}"],
    )
    query: TemplateMap = Field(default_factory=dict, examples=[{"lang": "{language}"}])
    headers: TemplateMap = Field(
        default_factory=dict, examples=[{"Authorization": "Bearer {secret:words}"}]
    )
    body: JsonObject | None = Field(
        None, description='Sent as JSON; a value "{name}" is the argument itself, of its own type'
    )


class ToolCreate(RequestBody):
    """A new tool."""

    model_config = example(name="get_time", tool_type="time", description="The exact time.")

    name: FunctionName
    tool_type: ToolType
    description: Description
    input_schema: InputSchema | None = Field(
        None,
        description="JSON Schema (2020-12) of the arguments; null: the function's own. Its $refs"
        " stay within it, its patterns look neither around nor back",
    )
    assistant_id: UUID | None = Field(None, description="Whom a sub_assistant tool asks")
    http_call: HttpCall | None = Field(None, description="What a rest tool calls")
    effect_class: EffectClass | None = Field(
        None, description="Only of a rest tool; null: writes, which is done at most once"
    )
    cache_seconds: CacheSeconds = 0
    is_active: bool = True


class ToolUpdate(RequestBody):
    """The fields to change; those left out stay."""

    model_config = example(description="The exact time, anywhere.")

    name: FunctionName | None = None
    tool_type: ToolType | None = None
    description: Description | None = None
    input_schema: InputSchema | None = None
    assistant_id: UUID | None = None
    http_call: HttpCall | None = None
    effect_class: EffectClass | None = None
    cache_seconds: CacheSeconds | None = None
    is_active: bool | None = None


class ToolRead(Contract):
    """A tool as it is."""

    id: UUID
    name: str
    tool_type: ToolType
    description: str
    input_schema: JsonObject
    assistant_id: UUID | None
    http_call: HttpCall | None
    effect_class: EffectClass = Field(description="Of its function, or as the record says")
    cache_seconds: int
    is_active: bool
    created_at: UtcDatetime
    updated_at: UtcDatetime


class AssistantToolCreate(RequestBody):
    """Gives a tool to an assistant."""

    model_config = example(assistant_id=EXAMPLE_IDS["assistants"], tool_id=EXAMPLE_IDS["tools"])

    assistant_id: UUID
    tool_id: UUID
    sub_assistant_id: UUID | None = Field(
        None, description="Whom the tool asks for this assistant; wins over the tool's own"
    )
    is_active: bool = True


class AssistantToolUpdate(RequestBody):
    """The fields to change; those left out stay."""

    model_config = example(is_active=False)

    sub_assistant_id: UUID | None = None
    is_active: bool | None = None


class AssistantToolRead(Contract):
    """A link as it is."""

    id: UUID
    assistant_id: UUID
    tool_id: UUID
    sub_assistant_id: UUID | None
    is_active: bool
    created_at: UtcDatetime
    updated_at: UtcDatetime
