"""Additions to the generated OpenAPI document: tags, plain parameters, and links.

Client generators, fuzzers and the page at /docs read this document.
"""

import re
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from smart_kit.contracts.base import JsonObject

TAGS: tuple[tuple[str, str], ...] = (
    ("assistants", "Who answers, with which model and instructions."),
    ("tools", "The functions that a model may call."),
    ("assistant-tools", "Which assistant has which tool."),
    ("versions", "What assistants and tools were: compared, and put back."),
    ("users", "People."),
    ("invites", "Single-use codes that let somebody in."),
    ("threads", "The current conversations."),
    ("messages", "What was said."),
    ("turns", "What each message caused, with its cost: why did it say that?"),
    ("usage", "Tokens, cost and latency of models; budgets."),
    ("cron-jobs", "Reminders and scheduled prompts."),
    ("tasks", "What people mean to do."),
    ("calendar", "The built-in calendar."),
    ("effects", "Receipts: what tools have changed."),
    ("models", "Models and who serves them, at which price."),
    ("secrets", "Keys that calls of tools name."),
    ("dead-letters", "Messages that nobody could handle."),
    ("audit", "Who wrote what through this API."),
    ("operation", "For those who keep it running; no token is needed."),
)

_UUID = {"type": "string", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"}


def customize_openapi(app: FastAPI) -> Callable[[], JsonObject]:
    """The application's own way to describe itself, and the rest."""
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
    """What may be left out is not null; a header is text, as generated clients send it as it is."""
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
    """From each operation that makes something to those on it: `/tasks`, `/tasks/{task_id}`."""
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
