"""The demo model, and a real one if the environment names it, understand the phrase corpus."""

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from rest_service.app.defaults.tools import build_default_tools
from rest_service.app.models import Assistant
from sandbox.llm.prompt_parsing import ToolCall, parse_prompt
from sandbox.llm.rule_based_model import generate_reply
from smart_kit.contracts.builtin_functions import FUNCTIONS
from smart_kit.errors import InvalidRequest
from tests.contracts.phrases.corpus import Phrase, find_call, load_phrases
from tests.contracts.phrases.meaning import find_meaning

PHRASES = tuple(load_phrases())
WRITER = Assistant(name="writer", instructions="…")
SECRETARY = (files("rest_service.app.defaults") / "secretary.md").read_text(encoding="utf-8")
MODEL = os.environ.get("DEFAULT_MODEL") or "gpt-6-luna"
SHARE_OF_RIGHT_ANSWERS = 0.9
PARALLEL_REQUESTS = 4


def build_tools() -> list[dict[str, Any]]:
    """Build the definitions of the built-in functions as the default secretary has them."""
    descriptions = {tool.name: tool.description for tool in build_default_tools(WRITER)}
    return [
        {
            "type": "function",
            "function": {
                "name": function.name,
                "description": descriptions.get(function.name, ""),
                "parameters": function.schema,
            },
        }
        for function in FUNCTIONS
        if function.tool_type != "sub_assistant"
    ]


TOOLS = build_tools()


def test_corpus_has_100_different_sentences_in_each_language() -> None:
    assert Counter(phrase.language for phrase in PHRASES) >= Counter(en=100, ru=100)
    assert len({phrase.say.lower() for phrase in PHRASES}) == len(PHRASES)
    assert {phrase.expected.name for phrase in PHRASES} == {
        tool["function"]["name"] for tool in TOOLS
    } - {"get_time", "get_weather"}


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.say)
def test_demo_model_calls_the_expected_tool(phrase: Phrase) -> None:
    call = find_call(phrase, ask_demo_model, TOOLS)

    assert call == phrase.expected
    assert find_meaning(phrase, call), "the tool accepts the arguments"


def ask_demo_model(body: dict[str, Any]) -> list[ToolCall]:
    """Return the calls of the demo model's answer."""
    return list(generate_reply(parse_prompt(body)).tool_calls)


@pytest.mark.parametrize(
    ("name", "expected", "call", "is_same"),
    [
        ("create_reminder", {"in_seconds": 1800}, {"at": "2026-11-21T13:54"}, True),
        ("create_reminder", {"in_seconds": 1800}, {"at": "2026-11-21T12:54:00Z"}, True),
        ("create_reminder", {"in_seconds": 1800}, {"at": "2026-11-21T12:54"}, False),
        (
            "create_reminder",
            {"cron": "0 12 * * 5L"},
            {"at": "2026-11-27T12:00", "rrule": "FREQ=MONTHLY;BYDAY=-1FR"},
            True,
        ),
        ("create_reminder", {"cron": "0 12 * * 5L"}, {"cron": "0 12 * * 5"}, False),
        ("create_reminder", {"cron": "0 9 * * *"}, {"cron": "0 9 * * *", "prompt": True}, False),
        ("create_reminder", {"cron": "0 9 * * *"}, {"cron": "0 9 * *"}, False),
        ("create_reminder", {"cron": "0 9 * * *"}, {"when": "at nine"}, False),
        ("change_settings", {"place": "Токио"}, {"place": "Asia/Tokyo"}, True),
        ("change_settings", {"place": "Токио"}, {"place": "Osaka, Brazil"}, False),
        ("create_task", {"due": "2026-11-27"}, {"due": "2026-11-27T23:59+01:00"}, True),
        ("create_task", {}, {"priority": "normal"}, True),
        ("create_task", {}, {"priority": "high"}, False),
        ("list_tasks", {"status": "done"}, {}, False),
    ],
)
def test_calls_are_equal_if_they_do_the_same(
    name: str, expected: dict[str, Any], call: dict[str, Any], is_same: bool
) -> None:
    now = datetime(2026, 11, 21, 13, 24, tzinfo=ZoneInfo("Europe/Berlin"))
    text = {"create_reminder": {"text": "x"}, "create_task": {"title": "x"}}.get(name, {})
    phrase = Phrase("…", "en", now, ToolCall(name, text | expected))

    assert is_right(phrase, ToolCall(name, text | call)) is is_same
    assert not is_right(phrase, None)


def is_right(phrase: Phrase, call: ToolCall | None) -> bool:
    """Return whether a call does what the sentence asks for."""
    try:
        return call is not None and find_meaning(phrase, call) == find_meaning(
            phrase, phrase.expected
        )
    except (ValidationError, InvalidRequest, KeyError):  # the tool refuses the call
        return False


@pytest.mark.slow
@pytest.mark.skipif(
    not (os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL")),
    reason="neither OPENAI_API_KEY nor OPENAI_BASE_URL names a real model",
)
def test_real_model_understands_nine_of_ten_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    openai = pytest.importorskip("openai")  # takes seconds
    with openai.OpenAI(api_key=os.environ.get("OPENAI_API_KEY") or "none") as client:
        ask = partial(ask_real_model, client)
        with ThreadPoolExecutor(PARALLEL_REQUESTS) as executor:
            calls = list(executor.map(lambda phrase: find_call(phrase, ask, TOOLS), PHRASES))
    wrong = [
        f"{phrase.say}: {call}"
        for phrase, call in zip(PHRASES, calls, strict=True)
        if not is_right(phrase, call)
    ]
    score = 1 - len(wrong) / len(PHRASES)
    with capsys.disabled():
        print("", *wrong, f"{MODEL}: {score:.1%} right", sep="\n")

    assert score >= SHARE_OF_RIGHT_ANSWERS


def ask_real_model(client: Any, body: dict[str, Any]) -> list[ToolCall]:
    """Return the calls with which a model answers, if it has the default secretary's prompt."""
    secretary = {"role": "system", "content": SECRETARY}
    body |= {"model": MODEL, "messages": [secretary, *body["messages"][1:]]}
    message = client.chat.completions.create(**body).choices[0].message
    functions = (call.function for call in message.tool_calls or ())
    return [ToolCall(one.name, parse_json(one.arguments)) for one in functions]


def parse_json(text: str) -> Any:
    """Return the JSON value; for an invalid text no arguments, which no function accepts."""
    try:
        return json.loads(text)
    except ValueError:
        return None
