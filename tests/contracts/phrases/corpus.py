"""The phrase corpus: what users say, and the tool call that each sentence means.

A line of `english.jsonl` or `russian.jsonl` is one sentence: `now` (local time and zone of the
user), `say`, `call` (the function) and its `arguments`. `id` is the title of an entry of the lists
beside them, which list_reminders and list_tasks return.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.llm.prompt_parsing import ToolCall
from sandbox.tests.llm.model_requests import build_request
from smart_kit.contracts.builtin_functions import FUNCTIONS, Arguments

_FOLDER = Path(__file__).parent
_LANGUAGES = {"english": "en", "russian": "ru"}
_MAX_CALLS = 4
_ENTRY = re.compile(r"(?m)^- (?P<title>.+?)(?: \[.+\])? \(id (?P<id>[\w-]+)\)$")
_ARGUMENTS = {function.name: function.arguments for function in FUNCTIONS}


@dataclass(frozen=True)
class Phrase:
    """A sentence and the call that it means."""

    say: str
    language: str
    now: datetime
    """When it is said, in the user's time zone."""
    expected: ToolCall

    @property
    def zone(self) -> str:
        """The IANA name of the user's time zone."""
        assert isinstance(self.now.tzinfo, ZoneInfo)
        return self.now.tzinfo.key


def load_phrases() -> Iterator[Phrase]:
    """Yield all sentences."""
    for name, language in _LANGUAGES.items():
        for line in (_FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            given = json.loads(line)
            arguments = given["arguments"]
            if "id" in arguments:
                arguments["id"] = _find_id(arguments["id"], language)
            day, time, zone = given["now"].split()
            now = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=ZoneInfo(zone))
            yield Phrase(given["say"], language, now, ToolCall(given["call"], arguments))


def parse_arguments(call: ToolCall) -> Arguments:
    """Return the arguments as the tool accepts them. Raises ValidationError for others."""
    return _ARGUMENTS[call.name].model_validate_json(json.dumps(call.arguments))


def find_call(
    phrase: Phrase, ask: Callable[[dict[str, Any]], list[ToolCall]], tools: list[dict[str, Any]]
) -> ToolCall | None:
    """Return the call with which a model answers a sentence; it may read lists before.

    `ask` gets the body of a Chat Completions request, and returns the calls of the answer.
    """
    context = f"[{phrase.now:%a %Y-%m-%d %H:%M} {phrase.zone}]"
    results: list[tuple[ToolCall, str]] = []
    while len(results) < _MAX_CALLS:
        calls = ask(build_request(phrase.say, tools=tools, context=context, results=results))
        read_results = [(call, _read(call.name, phrase)) for call in calls]
        for call, result in read_results:
            if call.name == phrase.expected.name or not result:
                return call
        if not calls:
            return None
        results += read_results
    return None


def _read(function: str, phrase: Phrase) -> str:
    """Return the result of a function that only reads, "" for another."""
    if function == "get_time":
        return f"{phrase.now.isoformat()} {phrase.zone}"
    kind = function.removeprefix("list_")
    return "" if kind == function else _read_list(kind, phrase.language)


@cache
def _read_list(kind: str, language: str) -> str:
    return (_FOLDER / f"{kind}.{language}.txt").read_text(encoding="utf-8")


def _find_id(title: str, language: str) -> str:
    """Return the id of the list entry with this title."""
    lists = "\n".join(_read_list(kind, language) for kind in ("reminders", "tasks"))
    return next(entry["id"] for entry in _ENTRY.finditer(lists) if entry["title"] == title)
