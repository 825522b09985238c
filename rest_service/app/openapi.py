"""What the generated document lacks: examples, and links from what is made to what is done with it.

A client's generator, a fuzzer and whoever opens /docs read the same document.
"""

import re
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from smart_kit.contracts.base import JsonObject

EXAMPLE_IDS = {
    "users": "6f1c8a52-3d0e-4a55-9c63-0d1f5b8f6a01",
    "assistants": "0b9f6c1e-7d4b-4f0c-8f55-2a4f8f3f7b02",
    "tools": "9d2f4a6b-1c3e-4b7a-8e9f-5c6d7e8f9a03",
    "providers": "3e5d7c9b-8a6f-4e2d-9b1c-7f8e9d0c1b04",
}
"""Of the records that examples speak of."""

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

EXAMPLES: dict[str, JsonObject] = {
    "AssistantCreate": {"name": "Poet", "instructions": "Answer in rhymes."},
    "AssistantUpdate": {"instructions": "Answer in rhymes, briefly."},
    "ToolCreate": {"name": "get_time", "tool_type": "time", "description": "The exact time."},
    "ToolUpdate": {"description": "The exact time, anywhere."},
    "AssistantToolCreate": {
        "assistant_id": EXAMPLE_IDS["assistants"],
        "tool_id": EXAMPLE_IDS["tools"],
    },
    "AssistantToolUpdate": {"is_active": False},
    "UserCreate": {"telegram_id": 123456789, "first_name": "Ann", "language_code": "en"},
    "UserUpsert": {"first_name": "Ann", "username": "ann", "language_code": "en"},
    "UserUpdate": {"language": "ru", "timezone": "Europe/Berlin"},
    "InviteCreate": {"role": "user"},
    "InviteRedeem": {"code": "k3Jx0PzQ7dVn2aYbR5tWcg", "telegram_id": 123456789},
    "ThreadCreate": {"user_id": EXAMPLE_IDS["users"], "assistant_id": EXAMPLE_IDS["assistants"]},
    "CronJobCreate": {
        "user_id": EXAMPLE_IDS["users"],
        "text": "Stretch",
        "cron_expression": "0 9 * * 1-5",
    },
    "CronJobUpdate": {"at": "2031-11-27T09:00:00"},
    "RunsDispatched": {"run_ids": [EXAMPLE_IDS["tools"]]},
    "TaskCreate": {
        "user_id": EXAMPLE_IDS["users"],
        "title": "Buy milk",
        "due_at": "2031-11-27T18:00:00",
    },
    "TaskUpdate": {"status": "done"},
    "CalendarEventCreate": {
        "user_id": EXAMPLE_IDS["users"],
        "title": "Chess club",
        "starts_at": "2031-11-27T19:00:00+01:00",
        "ends_at": "2031-11-27T21:00:00+01:00",
        "location": "Library",
    },
    "CalendarEventUpdate": {"title": "Chess club, finals"},
    "EffectUndo": {"user_id": EXAMPLE_IDS["users"]},
    "ProviderCreate": {"name": "Ollama at home", "base_url": "http://127.0.0.1:11434/v1"},
    "ProviderUpdate": {"is_active": False},
    "LlmModelCreate": {
        "provider_id": EXAMPLE_IDS["providers"],
        "provider_model_name": "gpt-6-luna",
        "parameters": {"reasoning_effort": "none"},
        "capabilities": ["tools", "vision", "streaming"],
        "input_price": "0.10",
        "cached_input_price": "0.01",
        "output_price": "0.50",
    },
    "LlmModelUpdate": {"parameters": {}},
    "ProviderTestRequest": {"model": "gpt-6-luna"},
    "ModelImport": {
        "provider_id": EXAMPLE_IDS["providers"],
        "models": {"data": [{"id": "gpt-6-luna"}]},
        "dry_run": True,
    },
    "SecretCreate": {
        "name": "words",
        "origin": "https://api.example.org",
        "value": "a-key-of-no-worth",
    },
    "SecretUpdate": {"value": "a-newer-key-of-no-worth"},
}
"""By the name of a body's shape."""

ERROR_CODES = {
    "400": "invalid_request",
    "401": "not_authenticated",
    "403": "not_permitted",
    "404": "not_found",
    "409": "conflict",
    "413": "content_too_large",
    "415": "unsupported_media_type",
    "422": "validation_failed",
    "503": "unavailable",
}
"""What `error` says with each status; only on routes of ours."""

_UUID = {"type": "string", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"}


def customize_openapi(app: FastAPI) -> Callable[[], JsonObject]:
    """The application's own way to describe itself, and the rest."""
    generate = app.openapi

    def build_document() -> JsonObject:
        if app.openapi_schema is None:
            document = generate()
            for name, example in EXAMPLES.items():
                document["components"]["schemas"][name]["examples"] = [example]
            figures = document["paths"]["/metrics"]["get"]["responses"]["200"]
            figures["content"] = {"text/plain": {"schema": {"type": "string"}}}
            _simplify_parameters(document)
            _add_error_examples(document)
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


def _add_error_examples(document: JsonObject) -> None:
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if "content" in answer and (name := ERROR_CODES.get(status)):
                    example = {"error": name, "detail": answer["description"]}
                    answer["content"]["application/json"]["example"] = example


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
