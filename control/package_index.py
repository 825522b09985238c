"""The package index of the operator, configured by pip's variables."""

import re
from collections.abc import Mapping

_UV_EQUIVALENTS = {
    "PIP_INDEX_URL": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "PIP_EXTRA_INDEX_URL": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "PIP_FIND_LINKS": ("UV_FIND_LINKS",),
    "PIP_TRUSTED_HOST": ("UV_INSECURE_HOST",),
    "PIP_CERT": ("SSL_CERT_FILE",),
    "PIP_DEFAULT_TIMEOUT": ("UV_HTTP_TIMEOUT",),
}
"""uv's variables for each of pip's: the first is set, the others mean the same."""
_CREDENTIALS = re.compile(r"(?<=://)[^/\s]+(?=@)")


def to_uv_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return uv's variables for the operator's variables of pip. uv's own have priority."""
    uv_variables = {
        names[0]: environ[name]
        for name, names in _UV_EQUIVALENTS.items()
        if environ.get(name) and not any(environ.get(own) for own in names)
    }
    if "UV_FIND_LINKS" in uv_variables:  # pip separates by spaces, uv by commas
        uv_variables["UV_FIND_LINKS"] = ",".join(uv_variables["UV_FIND_LINKS"].split())
    if "UV_INDEX" in uv_variables:
        # pip searches all indexes, uv only the first with the name; hashes make both safe
        strategy = environ.get("UV_INDEX_STRATEGY") or "unsafe-best-match"
        uv_variables["UV_INDEX_STRATEGY"] = strategy
    return uv_variables


def build_uv_options(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return options for what uv has no variable."""
    is_off = environ.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on", "t", "y")
    return ("--no-index",) if is_off else ()


def redact(text: str) -> str:
    """Return a text without user names and passwords in URLs."""
    return _CREDENTIALS.sub("****", text)
