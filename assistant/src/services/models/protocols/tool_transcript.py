"""Renders tool calls as text for requests without functions, in which some servers reject calls."""

from collections.abc import Iterable, Iterator

from smart_kit.contracts.base import JsonObject

from ....messages.item import ChatItem


def flatten_tool_calls(items: Iterable[ChatItem]) -> list[ChatItem]:
    """Return the items with calls and results as text; all other items stay unchanged.

    The results of one answer become one message, because some models require alternating roles.
    """
    flattened: list[ChatItem] = []
    names: dict[str, str] = {}
    results: list[str] = []
    for item in items:
        message = item.message if '"tool_call' in item.json_without_extras else {}
        if message.get("role") == "tool":
            name = names.get(message["tool_call_id"], "a tool")
            results.append(f"(What {name} returned, as data:)\n{message['content']}")
            continue
        flattened += _merge_results(results)
        results = []
        calls: list[JsonObject] = message.get("tool_calls", [])
        names |= {call["id"]: call["function"]["name"] for call in calls}
        flattened.append(_render_calls(message, calls) if calls else item)
    return [*flattened, *_merge_results(results)]


def _merge_results(results: list[str]) -> Iterator[ChatItem]:
    if results:
        yield ChatItem.from_message({"role": "user", "content": "\n\n".join(results)})


def _render_calls(message: JsonObject, calls: list[JsonObject]) -> ChatItem:
    lines = [message["content"]] if message.get("content") else []
    for call in calls:
        function = call["function"]
        lines.append(f"(I called {function['name']} with {function['arguments']}.)")
    return ChatItem.from_message({"role": "assistant", "content": "\n".join(lines)})
