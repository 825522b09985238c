"""Validation and normalisation of links."""

import re
from urllib.parse import parse_qs, urlsplit

_HOST = re.compile(r"^(?:[\w-]+\.)+(?:[^\W\d_]{2,}|xn--[\w-]+|\d{1,3})$")
_ALLOWED_SCHEMES = ("http", "https", "ftp", "ton")


class InvalidLink(ValueError):
    """An invalid URL; the message is Telegram's."""


def normalize_link(url: str) -> str:
    """Return the URL with scheme and path. Raises InvalidLink for a URL that Telegram refuses."""
    if re.match(r"^(tg|mailto|tel):", url, re.IGNORECASE):
        return url
    if not re.match(r"^[a-z][a-z0-9+.-]*:(//|(?!\d))", url, re.IGNORECASE):
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidLink("Wrong HTTP URL") from error
    if parts.scheme.lower() not in _ALLOWED_SCHEMES:
        raise InvalidLink("Unsupported URL protocol")
    if not _HOST.match(host) or parts.username:
        raise InvalidLink("Wrong HTTP URL")
    authority = host if port is None else f"{host}:{port}"
    rest = url.split("//", 1)[1][len(parts.netloc) :]
    return f"{parts.scheme.lower()}://{authority}{rest if rest.startswith('/') else '/' + rest}"


def parse_user_link(url: str) -> int | None:
    """Return the id of `tg://user?id=…`, else None."""
    return _parse_tg_number(url, "user", "id")


def parse_time_link(url: str) -> tuple[int, str] | None:
    """Return Unix time and format of `tg://time?unix=…&format=…`, else None."""
    moment = _parse_tg_number(url, "time", "unix")
    return None if moment is None else (moment, _parse_tg_query(url).get("format", [""])[0])


def is_custom_emoji_link(url: str) -> bool:
    """Return whether a URL is `tg://emoji?id=…`."""
    return _parse_tg_number(url, "emoji", "id") is not None


def _parse_tg_query(url: str) -> dict[str, list[str]]:
    return parse_qs(url.partition("?")[2].partition("#")[0])


def _parse_tg_number(url: str, host: str, name: str) -> int | None:
    if not re.match(rf"^tg:(?://)?{host}/?(?:[?#]|$)", url, re.IGNORECASE):
        return None
    value = _parse_tg_query(url).get(name, [""])[0]
    return int(value) if re.fullmatch(r"[1-9]\d{0,18}", value) else None
