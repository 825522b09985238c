"""Examples of request bodies, for the OpenAPI document."""

from typing import Any, Literal

from pydantic import ConfigDict

ExampleResource = Literal["users", "assistants", "tools", "providers"]

EXAMPLE_IDS: dict[ExampleResource, str] = {
    "users": "6f1c8a52-3d0e-4a55-9c63-0d1f5b8f6a01",
    "assistants": "0b9f6c1e-7d4b-4f0c-8f55-2a4f8f3f7b02",
    "tools": "9d2f4a6b-1c3e-4b7a-8e9f-5c6d7e8f9a03",
    "providers": "3e5d7c9b-8a6f-4e2d-9b1c-7f8e9d0c1b04",
}
"""Ids of the records that the examples refer to."""


def example_config(**fields: Any) -> ConfigDict:
    """Return the `model_config` of a body whose JSON Schema shows these fields as its example."""
    return ConfigDict(json_schema_extra={"examples": [fields]})
