"""Media of rich messages: named, never fetched; a sandbox loads nothing from elsewhere."""

import hashlib
from typing import Any
from urllib.parse import urlsplit

_BY_SUFFIX = {
    "mp4": "video",
    "mov": "video",
    "webm": "video",
    "gif": "animation",
    "mp3": "audio",
    "m4a": "audio",
    "ogg": "voice_note",
    "oga": "voice_note",
}
_BY_TAG = {"img": "photo", "video": "video", "audio": "audio", "tg-document": "document"}

_SIDES = {"width": 1280, "height": 720}
_DURATION = {"duration": 0}
_FACTS: dict[str, dict[str, int]] = {
    "video": _SIDES | _DURATION,
    "animation": _SIDES | _DURATION,
    "audio": _DURATION,
    "voice_note": _DURATION,
    "document": {},
}


def media_block(tag: str, attributes: dict[str, str]) -> dict[str, Any]:
    """The block of an `<img>`, `<video>`, `<audio>` or `<tg-document>`."""
    source = attributes.get("src", "")
    kind = "document" if tag == "tg-document" else _kind(source, _BY_TAG[tag])
    media: dict[str, Any] = {"type": kind, "media": source}
    if "tg-spoiler" in attributes:
        media["has_spoiler"] = True
    return {"type": kind, kind: media}


def _kind(source: str, default: str) -> str:
    suffix = urlsplit(source).path.rpartition(".")[2].lower()
    return _BY_SUFFIX.get(suffix, default)


def is_address(source: str) -> bool:
    """Whether Telegram would have to load it from the web."""
    return source.lower().startswith(("http://", "https://"))


def received(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a block as it comes back: a file of Telegram's in place of the source."""
    source = str(given.get("media") or "")
    key = hashlib.sha256(source.encode()).hexdigest()[:20]
    file: dict[str, Any] = {"file_id": f"sandbox-{kind}-{key}", "file_unique_id": key}
    shown: dict[str, Any] = {kind: [file | _SIDES] if kind == "photo" else file | _FACTS[kind]}
    return shown | ({"has_spoiler": True} if given.get("has_spoiler") else {})
