"""Reasoning items: signed blobs that must be sent back together with the items they led to."""

import base64
import hashlib
import hmac
import json
from secrets import token_hex
from typing import Any

from sandbox.llm.errors import OpenAiError

ResponseItem = dict[str, Any]

_SIGNING_KEY = b"the sandbox keeps nothing, so that its blobs hold after a restart"
_ID_PREFIXES = {"function_call": "fc_", "message": "msg_"}


def build_reasoning_item(model: str, items: list[ResponseItem]) -> ResponseItem:
    """Build the reasoning item that precedes these items, and set the ids of the items."""
    stem = token_hex(24)
    for index, item in enumerate(items):
        item["id"] = f"{_ID_PREFIXES[item['type']]}{stem}{index:02d}"
    return {
        "type": "reasoning",
        "id": f"rs_{stem}",
        "summary": [],
        "encrypted_content": _sign_items(model, items),
    }


def validate_reasoning(model: str, given: list[ResponseItem]) -> None:
    """Raise OpenAiError if a blob is missing, unknown, or separated from its items."""
    items = [item for item in given if item["type"] in ("reasoning", *_ID_PREFIXES)]
    reasoning_stems: set[str] = set()
    for index, item in enumerate(items):
        if item["type"] == "reasoning":
            reasoning_stems.add(str(item.get("id")).removeprefix("rs_"))
            _verify_content(model, item, items[index + 1 :])
            continue
        stem = str(item.get("id") or "").removeprefix(_ID_PREFIXES[item["type"]])[:-2]
        if stem and stem not in reasoning_stems:
            raise OpenAiError(
                f"Item '{item['id']}' of type '{item['type']}' was provided without its required "
                f"'reasoning' item: 'rs_{stem}'.",
                "input",
            )


def _verify_content(model: str, item: ResponseItem, following: list[ResponseItem]) -> None:
    name, blob = item["id"], item.get("encrypted_content")
    if not blob:
        raise OpenAiError(
            f"Item with id '{name}' not found. Items are not persisted when `store` is set to "
            "false. Try again with `store` set to true, or remove this item from your input.",
            "input",
            status=404,
        )
    count = _get_signed_count(str(blob))
    if len(following) < count:
        raise OpenAiError(
            f"Item '{name}' of type 'reasoning' was provided without its required following item.",
            "input",
        )
    if count == 0 or not hmac.compare_digest(_sign_items(model, following[:count]), str(blob)):
        raise OpenAiError(
            f"The encrypted content for item {name} could not be verified. Reason: it belongs to "
            "another model, or what follows is not what it led to.",
            code="invalid_encrypted_content",
        )


def _sign_items(model: str, items: list[ResponseItem]) -> str:
    payload = json.dumps([model, *map(_to_signed_fields, items)], ensure_ascii=False).encode()
    mac = hmac.digest(_SIGNING_KEY, payload, "sha256")
    return base64.urlsafe_b64encode(bytes([len(items)]) + mac).decode()


def _get_signed_count(blob: str) -> int:
    """Return the number of signed items; 0 for a blob of another server."""
    try:
        count, *mac = base64.urlsafe_b64decode(blob)
    except ValueError:
        return 0
    return count if len(mac) == hashlib.sha256().digest_size else 0


def _to_signed_fields(item: ResponseItem) -> list[Any]:
    """Return the fields that the signature covers; SDKs add fields to the others."""
    if item["type"] == "function_call":
        return [item["type"], item.get("id"), item["call_id"], item["name"], item["arguments"]]
    parts = item.get("content")
    texts = [part.get("text") for part in parts] if isinstance(parts, list) else [parts]
    return [item["type"], item.get("id"), *texts]
