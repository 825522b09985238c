"""Conversion of Responses requests to Chat Completions requests."""

from typing import Any

from sandbox.llm.responses.reasoning import ResponseItem


def to_chat_request(body: dict[str, Any]) -> dict[str, Any]:
    """Convert the body of a valid request; reasoning items are dropped."""
    instructions = body.get("instructions")
    messages: list[dict[str, Any]] = (
        [{"role": "system", "content": instructions}] if instructions else []
    )
    for item in body["input"]:
        _append_item(messages, item)
    tool_choice = body.get("tool_choice")
    return {
        "model": body["model"],
        "messages": messages,
        "tools": [{"type": "function", "function": tool} for tool in body.get("tools") or ()],
        "tool_choice": {"function": tool_choice} if isinstance(tool_choice, dict) else tool_choice,
    }


def _append_item(messages: list[dict[str, Any]], item: ResponseItem) -> None:
    """Append an item; consecutive function calls form one message."""
    if item["type"] == "message":
        messages.append({"role": item["role"], "content": item["content"]})
    elif item["type"] == "function_call_output":
        tool = {"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]}
        messages.append(tool)
    elif item["type"] == "function_call":
        function = {"name": item["name"], "arguments": item["arguments"]}
        call = {"id": item["call_id"], "type": "function", "function": function}
        if messages and messages[-1].get("tool_calls"):
            messages[-1]["tool_calls"].append(call)
        else:
            messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
