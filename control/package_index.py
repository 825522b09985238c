"""Where packages come from, as the operator's environment says it for pip."""

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
"""uv's variables for each of pip's: the one to set, and others that say the same."""
_CREDENTIALS = re.compile(r"(?<=://)[^/\s]+(?=@)")


def to_uv_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that tell uv what pip's variables tell pip, and uv's own do not say."""
    uv_variables = {
        names[0]: environ[name]
        for name, names in _UV_EQUIVALENTS.items()
        if environ.get(name) and not any(environ.get(own) for own in names)
    }
    if "UV_FIND_LINKS" in uv_variables:  # a list with spaces for pip, with commas for uv
        uv_variables["UV_FIND_LINKS"] = ",".join(uv_variables["UV_FIND_LINKS"].split())
    if "UV_INDEX" in uv_variables:
        # pip looks in all indexes, uv in the first that has the name; the hashes make both safe
        uv_variables |= {
            "UV_INDEX_STRATEGY": environ.get("UV_INDEX_STRATEGY") or "unsafe-best-match"
        }
    return uv_variables


def build_uv_options(environ: Mapping[str, str]) -> tuple[str, ...]:
    """For what uv has no variable."""
    is_off = environ.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on", "t", "y")
    return ("--no-index",) if is_off else ()


def redact(text: str) -> str:
    """The same without the names and passwords of URLs."""
    return _CREDENTIALS.sub("****", text)
