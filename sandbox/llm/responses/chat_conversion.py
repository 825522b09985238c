"""Conversion of Responses requests to Chat Completions requests."""

from typing import Any

from sandbox.llm.responses.reasoning import ResponseItem


def to_chat_request(body: dict[str, Any]) -> dict[str, Any]:
    """Convert the body of a valid request; reasoning items are dropped."""
    messages: list[dict[str, Any]] = []
    if instructions := body.get("instructions"):
        messages.append({"role": "system", "content": instructions})
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
    match item:
        case {"type": "message", "role": role, "content": content}:
            messages.append({"role": role, "content": content})
        case {"type": "function_call_output", "call_id": call_id, "output": output}:
            messages.append({"role": "tool", "tool_call_id": call_id, "content": output})
        case {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}:
            function = {"name": name, "arguments": arguments}
            call = {"id": call_id, "type": "function", "function": function}
            if messages and messages[-1].get("tool_calls"):
                messages[-1]["tool_calls"].append(call)
            else:
                messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
