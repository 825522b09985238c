"""Checks of Telegram and the model server: whether they are reachable and accept the tokens."""

from collections.abc import Iterable
from http import HTTPStatus

from control.context import Context
from control.finding import Finding, make_error, make_warning
from control.http_client import RequestFailed, request, strip_credentials
from control.settings import Settings
from control.variables import TELEGRAM_URL

_NETWORK_ADVICE = "look at the network, a proxy (HTTPS_PROXY) or a firewall"


def check(context: Context) -> Iterable[Finding]:
    settings = context.settings
    if settings.is_telegram_real:
        yield _check_telegram(settings)
    if settings.is_model_real:
        yield _check_model(settings)


def _check_telegram(settings: Settings) -> Finding:
    api = settings.values.get("TELEGRAM_API_URL", TELEGRAM_URL).rstrip("/")
    try:
        answer = request("GET", f"{api}/bot{settings.values['TELEGRAM_TOKEN']}/getMe")
    except RequestFailed as error:
        return make_error("Telegram", str(error), _NETWORK_ADVICE)
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
        advice = "copy it again from @BotFather into .env"
        return make_error("Telegram", "does not know TELEGRAM_TOKEN", advice)
    if not answer.ok:
        return make_warning("Telegram", f"answers {answer.detail}", "try again in a minute")
    return Finding("Telegram", f"this is @{answer.body['result']['username']}")


def _check_model(settings: Settings) -> Finding:
    address = settings.values["OPENAI_BASE_URL"].rstrip("/")
    base = strip_credentials(address)
    wanted = settings.values.get("DEFAULT_MODEL", "")
    key = settings.values.get("OPENAI_API_KEY", "")
    try:
        answer = request("GET", f"{address}/models", token=key)
    except RequestFailed as error:
        advice = f"start the server, or correct OPENAI_BASE_URL; {_NETWORK_ADVICE}"
        return make_error("model", str(error), advice)
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return make_error("model", f"{base} refuses the key", "correct OPENAI_API_KEY in .env")
    if not answer.ok:
        problem = f"{base}/models answers {answer.status}"
        return make_warning("model", problem, "many servers lack it")
    listed = answer.body.get("data") if isinstance(answer.body, dict) else None
    names = {str(item.get("id")) for item in listed or () if isinstance(item, dict)}
    if wanted and names and wanted not in names:
        advice = f"DEFAULT_MODEL, e.g. {', '.join(sorted(names)[:3])}"
        return make_warning("model", f"{base} does not list {wanted}", advice)
    return Finding("model", f"{base} answers" + (f" and has {wanted}" if wanted in names else ""))
