"""Explains error responses of providers, with advice for administrators."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from urllib.parse import urlsplit

from smart_kit.contracts.models import ProviderErrorCode

from .client import ProviderClient, ProviderError, ProviderResponse, extract_error

QUOTA_ERROR_CODES = frozenset(
    {
        "insufficient_quota",
        "insufficient_balance",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    }
)
_KEY = re.compile(r"\b(api|access)[ _-]?(key|token)\b", re.I)
_MODEL = re.compile(r"\bmodels?\b", re.I)
_MISSING = re.compile(
    r"not (found|exist|available|supported|loaded)|does ?n.t exist|unknown|no such|invalid"
    r"|decommissioned|deprecated|no access",
    re.I,
)
_VERSION = re.compile(r"/v\d")
_MAX_SUGGESTIONS = 5


def diagnose(
    client: ProviderClient,
    response: ProviderResponse,
    model: str | None = None,
    names: Collection[str] = (),
) -> ProviderError:
    """Return the error for a failed response; `names` are the models that the server lists."""
    status, codes = _get_error_status(response), _get_error_codes(response)
    code: ProviderErrorCode = "refused"
    if 300 <= status < 400:
        return _redirect_error(response)
    if status == 401 or (status in (400, 403) and _KEY.search(response.error_text)):
        return _key_error(client, response)
    if status == 402 or codes & QUOTA_ERROR_CODES:
        code, detail = "quota_exceeded", "The account has no credit or quota left. Top it up."
    elif status in (429, 503, 529):
        code, detail = "busy", f"The server is busy (HTTP {status}). Try again later."
    elif model and _is_model_error(response, status, codes, model, names):
        code, detail = "model_not_found", f"The server has no {model!r}."
        if similar := _find_similar(model, names):
            return ProviderError(code, f"{detail} Similar: {', '.join(similar)}.")
    elif status in (404, 405):
        seen = f"There is nothing at {client.base_url} (HTTP {status})."
        return path_not_found_error(client, seen)
    elif status >= 500:
        detail = f"The server has an internal error (HTTP {status})."
    else:
        detail = f"The server refuses the request (HTTP {status})."
    if response.error_text:
        detail += f" Its message: {response.error_text}"
    return ProviderError(code, detail)


def path_not_found_error(client: ProviderClient, seen: str) -> ProviderError:
    """Return the error for a server without the API at this path."""
    advice = f"Check whether base_url lacks /v1: {client.base_url}/v1."
    if _has_versioned_url(client):
        advice = "Check the path of base_url."
    return ProviderError("path_not_found", f"{seen} {advice}")


def unexpected_response_error(client: ProviderClient, response: ProviderResponse) -> ProviderError:
    """Return the error for a successful response that is not of OpenAI's protocol."""
    seen = "a web page" if response.content is None else "other JSON"
    if _has_versioned_url(client):
        return ProviderError(
            "unexpected_response",
            f"{client.host} responds with {seen} instead of OpenAI's protocol. Check that"
            " base_url is the address of its API.",
        )
    return path_not_found_error(client, f"{client.host} responds with {seen}, not with its API.")


def _has_versioned_url(client: ProviderClient) -> bool:
    return _VERSION.search(urlsplit(client.base_url).path) is not None


def _redirect_error(response: ProviderResponse) -> ProviderError:
    where = f" to {response.location}" if response.location else ""
    return ProviderError(
        "path_not_found",
        f"The server redirects{where}. Redirects are not followed, to protect the key: set the"
        " API's own address as base_url.",
    )


def _key_error(client: ProviderClient, response: ProviderResponse) -> ProviderError:
    """Does not quote the server, because such messages often contain half of the key."""
    if client.key:
        detail = "The server refuses the stored api_key. Set another one."
    else:
        detail = "The server requires a key and none is stored. Set an api_key."
    return ProviderError("invalid_key", f"{detail} (HTTP {response.status})")


def _is_model_error(
    response: ProviderResponse,
    status: int,
    codes: frozenset[str],
    model: str,
    names: Collection[str],
) -> bool:
    if status not in (400, 403, 404, 422):
        return False
    is_named = bool(_MODEL.search(response.error_text) or model in response.error_text)
    return (
        "model_not_found" in codes
        or (is_named and bool(_MISSING.search(response.error_text)))
        or (bool(names) and model not in names)
    )


def _find_similar(model: str, names: Collection[str]) -> list[str]:
    similar = get_close_matches(model, names, n=_MAX_SUGGESTIONS, cutoff=0.5)
    similar += [name for name in names if model in name and name not in similar]
    return similar[:_MAX_SUGGESTIONS]


def _get_error_status(response: ProviderResponse) -> int:
    """Return the status, or that inside the error of a response with a 2xx status."""
    code = extract_error(response.content).get("code")
    if 200 <= response.status < 300 and isinstance(code, int) and 400 <= code < 600:
        return code
    return response.status


def _get_error_codes(response: ProviderResponse) -> frozenset[str]:
    error = extract_error(response.content)
    return frozenset(str(error.get(name)).lower() for name in ("code", "type", "status"))
