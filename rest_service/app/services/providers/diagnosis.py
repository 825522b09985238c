"""Explains error responses of providers, with advice for administrators."""

import re
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
    names: list[str] | None = None,
) -> ProviderError:
    """Return the error for a failed response; `names` are the models that the server lists."""
    status, codes = _get_error_status(response), _get_error_codes(response)
    if 300 <= status < 400:
        return _redirect_error(response)
    if status == 401 or (status in (400, 403) and _KEY.search(response.error_text)):
        return _key_error(client, response)
    if status == 402 or codes & QUOTA_ERROR_CODES:
        return _with_server_text(
            "quota_exceeded", "The account has no credit or quota left. Top it up.", response
        )
    if status in (429, 503, 529):
        return _with_server_text(
            "busy", f"The server is busy (HTTP {status}). Try again later.", response
        )
    if model and _is_model_error(response, status, codes, model, names or []):
        return _model_error(response, model, names or [])
    if status in (404, 405):
        return path_not_found_error(
            client, f"There is nothing at {client.base_url} (HTTP {status})."
        )
    if status >= 500:
        return _with_server_text(
            "refused", f"The server has an internal error (HTTP {status}).", response
        )
    return _with_server_text(
        "refused", f"The server refuses the request (HTTP {status}).", response
    )


def path_not_found_error(client: ProviderClient, seen: str) -> ProviderError:
    """Return the error for a server without the API at this path."""
    if _VERSION.search(urlsplit(client.base_url).path):
        return ProviderError("path_not_found", f"{seen} Check the path of base_url.")
    return ProviderError(
        "path_not_found", f"{seen} Check whether base_url lacks /v1: {client.base_url}/v1."
    )


def unexpected_response_error(client: ProviderClient, response: ProviderResponse) -> ProviderError:
    """Return the error for a successful response that is not of OpenAI's protocol."""
    seen = "a web page" if response.content is None else "other JSON"
    if _VERSION.search(urlsplit(client.base_url).path):
        return ProviderError(
            "unexpected_response",
            f"{client.host} responds with {seen} instead of OpenAI's protocol. Check that"
            " base_url is the address of its API.",
        )
    return path_not_found_error(client, f"{client.host} responds with {seen}, not with its API.")


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
    response: ProviderResponse, status: int, codes: frozenset[str], model: str, names: list[str]
) -> bool:
    if status not in (400, 403, 404, 422):
        return False
    is_named = bool(_MODEL.search(response.error_text) or model in response.error_text)
    return (
        "model_not_found" in codes
        or (is_named and bool(_MISSING.search(response.error_text)))
        or (bool(names) and model not in names)
    )


def _model_error(response: ProviderResponse, model: str, names: list[str]) -> ProviderError:
    suggestions = get_close_matches(model, names, n=_MAX_SUGGESTIONS, cutoff=0.5)
    suggestions += [name for name in names if model in name and name not in suggestions]
    if suggestions:
        return ProviderError(
            "model_not_found",
            f"The server has no {model!r}. Similar: {', '.join(suggestions[:_MAX_SUGGESTIONS])}.",
        )
    return _with_server_text("model_not_found", f"The server has no {model!r}.", response)


def _with_server_text(
    code: ProviderErrorCode, detail: str, response: ProviderResponse
) -> ProviderError:
    return ProviderError(
        code, f"{detail} Its message: {response.error_text}" if response.error_text else detail
    )


def _get_error_status(response: ProviderResponse) -> int:
    """Return the status, or that inside the error of a response with a 2xx status."""
    code = extract_error(response.content).get("code")
    if 200 <= response.status < 300 and isinstance(code, int) and 400 <= code < 600:
        return code
    return response.status


def _get_error_codes(response: ProviderResponse) -> frozenset[str]:
    error = extract_error(response.content)
    return frozenset(str(error.get(name)).lower() for name in ("code", "type", "status"))
