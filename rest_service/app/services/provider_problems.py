"""What a provider's refusal means, and what an administrator can do about it."""

import re
from difflib import get_close_matches
from urllib.parse import urlsplit

from smart_kit.contracts.models import ProviderProblem

from .endpoint import Endpoint, Reply, Trouble, error_of

NO_MONEY = frozenset(
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
_NEAR = 5


def trouble(
    endpoint: Endpoint, reply: Reply, model: str | None = None, names: list[str] | None = None
) -> Trouble:
    """Of an answer that is not good; `names`: the models that the server lists."""
    status, codes = _status(reply), _codes(reply)
    if 300 <= status < 400:
        return _redirect(reply)
    if status == 401 or (status in (400, 403) and _KEY.search(reply.words)):
        return _wrong_key(endpoint, reply)
    if status == 402 or codes & NO_MONEY:
        return _said("no_money", "The account has no money or quota left: top it up.", reply)
    if status in (429, 503, 529):
        return _said("busy", f"The server is busy (HTTP {status}): try again later.", reply)
    if model and _is_model(reply, status, codes, model, names or []):
        return _wrong_model(reply, model, names or [])
    if status in (404, 405):
        return wrong_path(endpoint, f"There is nothing at {endpoint.base_url} (HTTP {status}).")
    if status >= 500:
        return _said("refused", f"The server fails by itself (HTTP {status}).", reply)
    return _said("refused", f"The server refuses (HTTP {status}).", reply)


def wrong_path(endpoint: Endpoint, seen: str) -> Trouble:
    """Somebody answers, but not the API."""
    if _VERSION.search(urlsplit(endpoint.base_url).path):
        return Trouble("wrong_path", f"{seen} Is the path of base_url right?")
    return Trouble("wrong_path", f"{seen} Does base_url lack /v1, as in {endpoint.base_url}/v1?")


def no_api(endpoint: Endpoint, reply: Reply) -> Trouble:
    """A good answer that is not the one that the protocol has."""
    seen = "a page" if reply.content is None else "something else"
    if _VERSION.search(urlsplit(endpoint.base_url).path):
        return Trouble(
            "no_api",
            f"{endpoint.host} answers with {seen} in place of OpenAI's protocol. Is base_url the"
            " address of its API?",
        )
    return wrong_path(endpoint, f"{endpoint.host} answers with {seen}, not with its API.")


def _redirect(reply: Reply) -> Trouble:
    where = f" to {reply.location}" if reply.location else ""
    return Trouble(
        "wrong_path",
        f"The server redirects{where}; a key follows no redirect. Put the API's own address into"
        " base_url.",
    )


def _wrong_key(endpoint: Endpoint, reply: Reply) -> Trouble:
    """Without the server's words, which often repeat half of the key."""
    if endpoint.key:
        detail = "The server does not take the kept api_key: give another one."
    else:
        detail = "The server wants a key and none is kept: give an api_key."
    return Trouble("wrong_key", f"{detail} (HTTP {reply.status})")


def _is_model(
    reply: Reply, status: int, codes: frozenset[str], model: str, names: list[str]
) -> bool:
    if status not in (400, 403, 404, 422):
        return False
    is_named = bool(_MODEL.search(reply.words) or model in reply.words)
    return (
        "model_not_found" in codes
        or (is_named and bool(_MISSING.search(reply.words)))
        or (bool(names) and model not in names)
    )


def _wrong_model(reply: Reply, model: str, names: list[str]) -> Trouble:
    near = get_close_matches(model, names, n=_NEAR, cutoff=0.5)
    near += [name for name in names if model in name and name not in near]
    if near:
        return Trouble(
            "wrong_model", f"The server has no {model!r}. Near it: {', '.join(near[:_NEAR])}."
        )
    return _said("wrong_model", f"The server has no {model!r}.", reply)


def _said(problem: ProviderProblem, detail: str, reply: Reply) -> Trouble:
    return Trouble(problem, f"{detail} It says: {reply.words}" if reply.words else detail)


def _status(reply: Reply) -> int:
    """Of the error, also where it comes with a status that promises better."""
    code = error_of(reply.content).get("code")
    if 200 <= reply.status < 300 and isinstance(code, int) and 400 <= code < 600:
        return code
    return reply.status


def _codes(reply: Reply) -> frozenset[str]:
    error = error_of(reply.content)
    return frozenset(str(error.get(name)).lower() for name in ("code", "type", "status"))
