"""Reasoning items: opaque blobs that have to come back with what they led to."""

import base64
import hashlib
import hmac
import json
from typing import Any

from sandbox.llm.errors import ApiError
from sandbox.llm.ids import random_id

Item = dict[str, Any]

_KEY = b"the sandbox keeps nothing, so that its blobs hold after a restart"
_PREFIXES = {"function_call": "fc_", "message": "msg_"}


def thought_of(model: str, items: list[Item]) -> Item:
    """The reasoning item that stands before these; it gives them their ids."""
    stem = random_id(48)
    for index, item in enumerate(items):
        item["id"] = f"{_PREFIXES[item['type']]}{stem}{index:02d}"
    return {
        "type": "reasoning",
        "id": f"rs_{stem}",
        "summary": [],
        "encrypted_content": _seal(model, items),
    }


def check_thoughts(model: str, given: list[Item]) -> None:
    """Raises ApiError where a blob is missing, foreign, or not with all that it led to."""
    written = [one for one in given if one["type"] in ("reasoning", *_PREFIXES)]
    thoughts: set[str] = set()
    for index, item in enumerate(written):
        if item["type"] == "reasoning":
            thoughts.add(str(item.get("id")).removeprefix("rs_"))
            _check_blob(model, item, written[index + 1 :])
        else:
            _check_thought_about(item, thoughts)


def _check_thought_about(item: Item, thoughts: set[str]) -> None:
    """An item under its own id needs its reasoning; without an id it is anybody's."""
    stem = str(item.get("id") or "").removeprefix(_PREFIXES[item["type"]])[:-2]
    if stem and stem not in thoughts:
        raise ApiError(
            f"Item '{item['id']}' of type '{item['type']}' was provided without its required "
            f"'reasoning' item: 'rs_{stem}'.",
            param="input",
        )


def _check_blob(model: str, item: Item, following: list[Item]) -> None:
    name, blob = item.get("id"), item.get("encrypted_content")
    if not blob:
        raise ApiError(
            f"Item with id '{name}' not found. Items are not persisted when `store` is set to "
            "false. Try again with `store` set to true, or remove this item from your input.",
            status=404,
            param="input",
        )
    count = _count(str(blob))
    if len(following) < count:
        raise ApiError(
            f"Item '{name}' of type 'reasoning' was provided without its required following item.",
            param="input",
        )
    if count == 0 or not hmac.compare_digest(_seal(model, following[:count]), str(blob)):
        raise ApiError(
            f"The encrypted content for item {name} could not be verified. Reason: it belongs to "
            "another model, or what follows is not what it led to.",
            code="invalid_encrypted_content",
        )


def _seal(model: str, items: list[Item]) -> str:
    said = json.dumps([model, *map(_essence, items)], ensure_ascii=False).encode()
    mac = hmac.new(_KEY, said, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(bytes([len(items)]) + mac).decode()


def _count(blob: str) -> int:
    """How many items it led to; 0 where it is none of ours."""
    try:
        count, *mac = base64.urlsafe_b64decode(blob)
    except ValueError:
        return 0
    return count if len(mac) == hashlib.sha256().digest_size else 0


def _essence(item: Item) -> list[Any]:
    """What may not be changed; the SDK adds fields of its own to the rest."""
    if item["type"] == "function_call":
        return [item["type"], item.get("id"), item["call_id"], item["name"], item["arguments"]]
    parts = item.get("content")
    texts = [part.get("text") for part in parts] if isinstance(parts, list) else [parts]
    return [item["type"], item.get("id"), *texts]
