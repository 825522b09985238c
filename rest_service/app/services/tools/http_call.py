"""Checks the HTTP call of a rest tool when the tool is saved."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.tools import PLACEHOLDER_PATTERN, HttpCall
from smart_kit.errors import InvalidRequest
from smart_kit.safe_http.messages import CONNECTION_HEADERS, HEADER_NAME_PATTERN
from smart_kit.safe_http.public_url import AddressBlocked, CanonicalUrl

from ...models import Secret
from ..records import json_limits
from ..secrets import secret_scan

ROOT_PATH = "$.http_call"

_HEADER_VALUE = re.compile(r"[\t -~]*")
_SECRET_LIKE = re.compile(r"\{\s*secret\b[^}]*\}?", re.IGNORECASE)
_PLACEMENT_HINT = (
    "Add a secret with POST /api/secrets and write {secret:NAME} in a header, in the query or as a"
    " whole segment of the path."
)


def get_secret_names(call: HttpCall) -> set[str]:
    """Return the names of the secrets that a call uses."""
    return {name for _, name in _iter_secrets(call)}


async def check(session: AsyncSession, call: HttpCall, schema: JsonObject) -> None:
    """Raise InvalidRequest with the place of an error. `schema` describes the arguments."""
    json_limits.check("http_call", call.model_dump())
    address = _check_url(call.url)
    _check_path(call.url, schema)
    _check_headers(call.headers)
    for part, texts in (("headers", call.headers), ("query", call.query)):
        for name, text in texts.items():
            place = f"{ROOT_PATH}.{part}.{name}"
            _check_placeholders(place, text, schema)
            secret_scan.check_text(place, name, text)
    _check_body(call, schema)
    await _check_secrets(session, call, address)


def _check_url(url: str) -> CanonicalUrl:
    """Return the URL with its placeholders replaced. Only the path may contain placeholders."""
    place = f"{ROOT_PATH}.url"
    if "?" in url or "#" in url:
        raise InvalidRequest(f"{place} must end with the path. Put query parameters into query.")
    server = "/".join(url.split("/", 3)[:3])
    if "{" in server or "}" in server:
        raise InvalidRequest(f"{place} cannot have arguments in its server, only in its path.")
    plain = PLACEHOLDER_PATTERN.sub("0", url)
    if "{" in plain or "}" in plain:
        raise InvalidRequest(f"{place} has a brace that is not part of a placeholder.")
    try:
        address = CanonicalUrl.parse(plain)
    except AddressBlocked as error:
        raise InvalidRequest(f"{place}: {error.message}") from error
    secret_scan.check(place, {"path": url}, remedy=_PLACEMENT_HINT)
    return address


def _check_path(url: str, schema: JsonObject) -> None:
    place = f"{ROOT_PATH}.url"
    _check_placeholders(place, url, schema)
    for segment in url.split("/"):
        if not PLACEHOLDER_PATTERN.fullmatch(segment):
            _reject_secrets(place, segment)
    for match in PLACEHOLDER_PATTERN.finditer(url):
        if match["argument"] and match["argument"] not in schema.get("required", ()):
            raise InvalidRequest(
                f"{place} needs {match['argument']!r}, so input_schema must list it in $.required."
            )


def _check_headers(headers: Mapping[str, str]) -> None:
    seen: set[str] = set()
    for name, text in headers.items():
        place = f"{ROOT_PATH}.headers.{name}"
        if not HEADER_NAME_PATTERN.fullmatch(name):
            raise InvalidRequest(f"{ROOT_PATH}.headers: {name[:64]!r} is not a header name.")
        if name.lower() in CONNECTION_HEADERS:
            raise InvalidRequest(f"{place} is set automatically and cannot be given.")
        if name.lower() in seen:
            raise InvalidRequest(f"{place} is given twice.")
        if not _HEADER_VALUE.fullmatch(text):
            raise InvalidRequest(f"{place} may contain only printable ASCII characters.")
        seen.add(name.lower())


def _check_placeholders(place: str, text: str, schema: JsonObject) -> None:
    """Check that the arguments exist and that references to secrets are well-formed."""
    properties = schema.get("properties", {})
    for match in PLACEHOLDER_PATTERN.finditer(text):
        if match["argument"] and match["argument"] not in properties:
            raise InvalidRequest(
                f"{place} uses {match[0]}, which input_schema lacks in $.properties."
            )
    if _SECRET_LIKE.search(PLACEHOLDER_PATTERN.sub("", text)):
        raise InvalidRequest(
            f"{place} has a malformed secret. Write {{secret:NAME}} in small letters, digits and _."
        )


def _check_body(call: HttpCall, schema: JsonObject) -> None:
    place = f"{ROOT_PATH}.body"
    if call.method == "GET" and call.body is not None:
        raise InvalidRequest(f"{place}: a GET request cannot have a body.")
    for inner, text in _iter_texts(place, call.body):
        _reject_secrets(inner, text)
        _check_placeholders(inner, text, schema)
    secret_scan.check(place, call.body or {}, remedy=_PLACEMENT_HINT)


def _iter_texts(place: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield place, value
        case list():
            for number, item in enumerate(value):
                yield from _iter_texts(f"{place}[{number}]", item)
        case dict():
            for key, item in value.items():
                yield from _iter_texts(f"{place}.{key}", item)


def _reject_secrets(place: str, text: str) -> None:
    if _SECRET_LIKE.search(text):
        raise InvalidRequest(f"{place} cannot contain a secret. {_PLACEMENT_HINT}")


async def _check_secrets(session: AsyncSession, call: HttpCall, address: CanonicalUrl) -> None:
    rows = await session.exec(select(Secret).where(col(Secret.name).in_(get_secret_names(call))))
    origins = {row.name: row.origin for row in rows}
    for place, name in _iter_secrets(call):
        if name not in origins:
            raise InvalidRequest(
                f"{place}: there is no secret {name!r}. Add it with POST /api/secrets."
            )
        if CanonicalUrl.parse(origins[name]).origin != address.origin:
            raise InvalidRequest(
                f"{place}: the secret {name!r} may only be sent to {origins[name]}."
            )


def _iter_secrets(call: HttpCall) -> Iterator[tuple[str, str]]:
    texts = {f"{ROOT_PATH}.headers.{name}": text for name, text in call.headers.items()}
    texts |= {f"{ROOT_PATH}.query.{name}": text for name, text in call.query.items()}
    texts[f"{ROOT_PATH}.url"] = call.url
    for place, text in texts.items():
        for match in PLACEHOLDER_PATTERN.finditer(text):
            if match["secret"]:
                yield place, match["secret"]
