"""A conversation with calls, told to a model that is offered no functions: some refuse the form."""

from collections.abc import Iterable, Iterator

from smart_kit.contracts.base import JsonObject

from ...messages.item import Item


def told(items: Iterable[Item]) -> list[Item]:
    """The same in words; what has neither called nor answered a call stays as it is.

    Results of one answer become one message: some models insist that roles alternate.
    """
    said: list[Item] = []
    names: dict[str, str] = {}
    results: list[str] = []
    for item in items:
        message = item.message if '"tool_call' in item.plain else {}
        if message.get("role") == "tool":
            name = names.get(message["tool_call_id"], "a tool")
            results.append(f"(What {name} returned, as data:)\n{message['content']}")
            continue
        said += _as_one(results)
        results = []
        calls: list[JsonObject] = message.get("tool_calls", [])
        names |= {call["id"]: call["function"]["name"] for call in calls}
        said.append(_calling(message, calls) if calls else item)
    return [*said, *_as_one(results)]


def _as_one(results: list[str]) -> Iterator[Item]:
    if results:
        yield Item.of({"role": "user", "content": "\n\n".join(results)})


def _calling(message: JsonObject, calls: list[JsonObject]) -> Item:
    words = [message["content"]] if message.get("content") else []
    for call in calls:
        function = call["function"]
        words.append(f"(I called {function['name']} with {function['arguments']}.)")
    return Item.of({"role": "assistant", "content": "\n".join(words)})
