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


def find_tg_link_number(url: str, host: str, name: str) -> int | None:
    """Return the number in a link such as `tg://user?id=5`, else None."""
    if not re.match(rf"^tg:(?://)?{host}/?(?:[?#]|$)", url, re.IGNORECASE):
        return None
    value = get_tg_parameter(url, name)
    return int(value) if re.fullmatch(r"[1-9]\d{0,18}", value) else None


def get_tg_parameter(url: str, name: str) -> str:
    """Return a query parameter of a `tg://` link; empty when missing."""
    return parse_qs(url.partition("?")[2].partition("#")[0]).get(name, [""])[0]
