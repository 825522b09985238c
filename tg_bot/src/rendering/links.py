"""Which addresses Telegram takes as links."""

import re
from urllib.parse import urlsplit

_APP_SCHEMES = ("tg", "mailto", "tel")
_WEB_SCHEMES = ("http", "https")


def is_linkable(url: str | None) -> bool:
    """Whether Telegram takes it; what it refuses is written out."""
    try:
        parts = urlsplit(url or "")
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme.lower() in _APP_SCHEMES:
        return True
    return parts.scheme.lower() in _WEB_SCHEMES and bool(re.search(r"\w\.\w", host))
