"""Which addresses Telegram takes as links."""

import re
from urllib.parse import urlsplit

_SCHEMES = ("tg", "mailto", "tel")
_WEB = ("http", "https")


def is_linkable(url: str | None) -> bool:
    """Whether Telegram takes it; what it refuses is written out."""
    try:
        parts = urlsplit(url or "")
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme.lower() in _SCHEMES:
        return True
    return parts.scheme.lower() in _WEB and bool(re.search(r"\w\.\w", host))
