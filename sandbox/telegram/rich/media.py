"""Media of rich messages: stored by name, never downloaded."""

import hashlib
from typing import Any
from urllib.parse import urlsplit

_TYPE_BY_SUFFIX = {
    "mp4": "video",
    "mov": "video",
    "webm": "video",
    "gif": "animation",
    "mp3": "audio",
    "m4a": "audio",
    "ogg": "voice_note",
    "oga": "voice_note",
}
_TYPE_BY_TAG = {"img": "photo", "video": "video", "audio": "audio", "tg-document": "document"}

_DIMENSIONS = {"width": 1280, "height": 720}
_DURATION = {"duration": 0}
_METADATA: dict[str, dict[str, int]] = {
    "video": _DIMENSIONS | _DURATION,
    "animation": _DIMENSIONS | _DURATION,
    "audio": _DURATION,
    "voice_note": _DURATION,
    "document": {},
}


def build_media_block(tag: str, attributes: dict[str, str]) -> dict[str, Any]:
    """Build the block of an `<img>`, `<video>`, `<audio>` or `<tg-document>`."""
    source = attributes.get("src", "")
    kind = "document" if tag == "tg-document" else _get_media_type(source, _TYPE_BY_TAG[tag])
    media: dict[str, Any] = {"type": kind, "media": source}
    if "tg-spoiler" in attributes:
        media["has_spoiler"] = True
    return {"type": kind, kind: media}


def _get_media_type(source: str, default: str) -> str:
    suffix = urlsplit(source).path.rpartition(".")[2].lower()
    return _TYPE_BY_SUFFIX.get(suffix, default)


def is_web_url(source: str) -> bool:
    """Return whether Telegram would load the source from the web."""
    return source.lower().startswith(("http://", "https://"))


def build_received_media(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Build the media fields of a stored block: a Telegram file in place of the source."""
    source = str(given.get("media") or "")
    key = hashlib.sha256(source.encode()).hexdigest()[:20]
    file: dict[str, Any] = {"file_id": f"sandbox-{kind}-{key}", "file_unique_id": key}
    shown: dict[str, Any] = {
        kind: [file | _DIMENSIONS] if kind == "photo" else file | _METADATA[kind]
    }
    return shown | ({"has_spoiler": True} if given.get("has_spoiler") else {})
