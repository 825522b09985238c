"""URLs that people write: in settings and in records of the API."""

from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints

Url = Annotated[str, StringConstraints(max_length=2048, pattern=r"^[!-~]+$")]


def url_validator(
    example: str, surplus_message: str = "must be only host and path", *, has_query: bool = False
) -> AfterValidator:
    """Accept http and https URLs such as the example, and remove a trailing slash.

    `surplus_message` is the error for a user name, a password, a fragment, or, unless `has_query`,
    a query.
    """
    return AfterValidator(
        partial(
            _validate_url, example=example, surplus_message=surplus_message, has_query=has_query
        )
    )


def _validate_url(url: str, *, example: str, surplus_message: str, has_query: bool) -> str:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_bare = not (parts.fragment or parts.username or parts.password)
        _ = parts.port  # raises ValueError where it is not a port
    except ValueError as error:
        raise ValueError(f"is not an address such as {example}") from error
    if not is_usable:
        raise ValueError(f"is not an address such as {example}")
    if not is_bare or (parts.query and not has_query):
        raise ValueError(surplus_message)
    return url if parts.query else url.rstrip("/")


HttpUrl = Annotated[Url, url_validator("https://api.example.org")]
"""A server's URL without a trailing slash."""
