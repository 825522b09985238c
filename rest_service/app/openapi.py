"""Additions to the generated OpenAPI document: tags, plain parameters, and links.

Client generators, fuzzers and the page at /docs read this document.
"""

import re
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from smart_kit.contracts.base import JsonObject

TAGS: tuple[tuple[str, str], ...] = (
    ("assistants", "Assistants: their models and instructions."),
    ("tools", "The functions that models may call."),
    ("assistant-tools", "Which assistant may use which tool."),
    ("versions", "Earlier versions of assistants and tools: read, compare, restore."),
    ("users", "Telegram users."),
    ("invites", "Single-use invitation codes."),
    ("threads", "The current thread of each user with each assistant."),
    ("messages", "The messages of all threads."),
    ("turns", "How each message was processed: model and tool calls, with their cost."),
    ("usage", "Tokens, cost and latency of models; budgets."),
    ("cron-jobs", "Reminders and scheduled prompts."),
    ("tasks", "To-do items of users."),
    ("calendar", "The built-in calendar."),
    ("effects", "Changes made by tools, and undoing them."),
    ("models", "Models, their providers and prices."),
    ("secrets", "Encrypted values for the calls of rest tools."),
    ("dead-letters", "Messages that could not be processed."),
    ("audit", "The log of writes through this API."),
    ("clock", "The sandbox's clock; 404 without SANDBOX_CLOCK=1."),
    ("operation", "Health and metrics, without a token."),
)

_UUID = {"type": "string", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"}


def customize_openapi(app: FastAPI) -> Callable[[], JsonObject]:
    """Return a replacement for `app.openapi` that extends the generated document."""
    generate = app.openapi

    def build_document() -> JsonObject:
        if app.openapi_schema is None:
            document = generate()
            figures = document["paths"]["/metrics"]["get"]["responses"]["200"]
            figures["content"] = {"text/plain": {"schema": {"type": "string"}}}
            _simplify_parameters(document)
            _add_links(document)
        return app.openapi_schema or {}

    return build_document


def _simplify_parameters(document: JsonObject) -> None:
    """Describe optional parameters without null, and headers as text, as clients send them."""
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                schema = parameter["schema"]
                kinds = schema.get("anyOf", ())
                if {"type": "null"} in kinds:
                    (kind,) = (one for one in kinds if one != {"type": "null"})
                    del schema["anyOf"]
                    is_text = parameter["in"] == "header" and kind.get("format") == "uuid"
                    schema.update(_UUID if is_text else kind)


def _add_links(document: JsonObject) -> None:
    """Link each operation that creates a record to the operations on it, by the paths."""
    paths: dict[str, Any] = document["paths"]
    for collection, methods in paths.items():
        made = methods.get("post", {}).get("responses", {}).get("201")
        own = re.compile(rf"{re.escape(collection)}/{{(\w+)}}(/\w+)?")
        for path, operations in paths.items():
            if made and (match := own.fullmatch(path)):
                made.setdefault("links", {}).update(_build_links(operations, match[1]))


def _build_links(operations: JsonObject, parameter: str) -> JsonObject:
    return {
        one["operationId"]: {
            "operationId": one["operationId"],
            "parameters": {parameter: "$response.body#/id"},
        }
        for one in operations.values()
    }
