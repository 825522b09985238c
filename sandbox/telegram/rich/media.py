"""Media of rich messages: stored by name, never downloaded."""

import hashlib
from typing import Any
from urllib.parse import urlsplit

_TYPE_BY_SUFFIX = {
    **dict.fromkeys(("mp4", "mov", "webm"), "video"),
    "gif": "animation",
    **dict.fromkeys(("mp3", "m4a"), "audio"),
    **dict.fromkeys(("ogg", "oga"), "voice_note"),
}
TYPE_BY_TAG = {"img": "photo", "video": "video", "audio": "audio", "tg-document": "document"}

_DIMENSIONS = {"width": 1280, "height": 720}
_DURATION = {"duration": 0}
_METADATA: dict[str, dict[str, int]] = {
    **dict.fromkeys(("video", "animation"), _DIMENSIONS | _DURATION),
    **dict.fromkeys(("audio", "voice_note"), _DURATION),
    "document": {},
}


def build_media_block(tag: str, attributes: dict[str, str]) -> dict[str, Any]:
    """Build the block of an `<img>`, `<video>`, `<audio>` or `<tg-document>`."""
    source, kind = attributes.get("src", ""), TYPE_BY_TAG[tag]
    if kind != "document":
        suffix = urlsplit(source).path.rpartition(".")[2].lower()
        kind = _TYPE_BY_SUFFIX.get(suffix, kind)
    media: dict[str, Any] = {"type": kind, "media": source}
    if "tg-spoiler" in attributes:
        media["has_spoiler"] = True
    return {"type": kind, kind: media}


def is_web_url(source: str) -> bool:
    """Return whether Telegram would load the source from the web."""
    return source.lower().startswith(("http://", "https://"))


def build_stored_media(kind: str, source: str, *, has_spoiler: bool) -> dict[str, Any]:
    """Build the media fields of a stored block: a Telegram file in place of the source."""
    key = hashlib.sha256(source.encode()).hexdigest()[:20]
    file: dict[str, Any] = {"file_id": f"sandbox-{kind}-{key}", "file_unique_id": key}
    shown = [file | _DIMENSIONS] if kind == "photo" else file | _METADATA[kind]
    return {kind: shown} | ({"has_spoiler": True} if has_spoiler else {})
