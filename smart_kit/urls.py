"""URLs that people write: in settings and in records of the API."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints

Url = Annotated[str, StringConstraints(max_length=2048, pattern=r"^[!-~]+$")]


def url_validator(
    example: str, surplus_message: str = "must be only host and path", *, has_query: bool = False
) -> AfterValidator:
    """Accept http and https URLs such as the example, and remove a trailing slash.

    `surplus_message` is the error for a user name, password, fragment or unexpected query.
    """

    def validate(url: str) -> str:
        try:
            parts = urlsplit(url)
            is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
            _ = parts.port  # raises ValueError if it is not a port
        except ValueError as error:
            raise ValueError(f"is not an address such as {example}") from error
        if not is_usable:
            raise ValueError(f"is not an address such as {example}")
        surplus = parts.fragment or parts.username or parts.password
        if surplus or (parts.query and not has_query):
            raise ValueError(surplus_message)
        return url if parts.query else url.rstrip("/")

    return AfterValidator(validate)


HttpUrl = Annotated[Url, url_validator("https://api.example.org")]
"""A server's URL without a trailing slash."""
