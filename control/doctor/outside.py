"""Telegram and the model: reachable, and the tokens right."""

from collections.abc import Iterable
from http import HTTPStatus

from control.client import RequestFailed, plain, request
from control.context import Context
from control.doctor.finding import Finding, doubtful, wrong
from control.settings import Settings
from control.variables import TELEGRAM_URL

_NETWORK = "look at the network, a proxy (HTTPS_PROXY) or a firewall"


def check(context: Context) -> Iterable[Finding]:
    settings = context.settings
    if settings.telegram_is_real:
        yield _telegram(settings)
    if settings.model_is_real:
        yield _model(settings)


def _telegram(settings: Settings) -> Finding:
    api = settings.values.get("TELEGRAM_API_URL", TELEGRAM_URL).rstrip("/")
    try:
        answer = request("GET", f"{api}/bot{settings.values['TELEGRAM_TOKEN']}/getMe")
    except RequestFailed as error:
        return wrong("Telegram", str(error), _NETWORK)
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
        return wrong(
            "Telegram", "does not know TELEGRAM_TOKEN", "copy it again from @BotFather into .env"
        )
    if not answer.ok:
        return doubtful("Telegram", f"answers {answer.detail}", "try again in a minute")
    return Finding("Telegram", f"this is @{answer.body['result']['username']}")


def _model(settings: Settings) -> Finding:
    address = settings.values["OPENAI_BASE_URL"].rstrip("/")
    base = plain(address)
    wanted = settings.values.get("DEFAULT_MODEL", "")
    try:
        answer = request(
            "GET", f"{address}/models", token=settings.values.get("OPENAI_API_KEY", "")
        )
    except RequestFailed as error:
        return wrong("model", str(error), f"start the server, or mend OPENAI_BASE_URL; {_NETWORK}")
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return wrong("model", f"{base} refuses the key", "mend OPENAI_API_KEY in .env")
    if not answer.ok:
        return doubtful("model", f"{base}/models answers {answer.status}", "many servers lack it")
    listed = answer.body.get("data") if isinstance(answer.body, dict) else None
    names = {str(one.get("id")) for one in listed or () if isinstance(one, dict)}
    if wanted and names and wanted not in names:
        some = ", ".join(sorted(names)[:3])
        return doubtful("model", f"{base} does not list {wanted}", f"DEFAULT_MODEL, e.g. {some}")
    return Finding("model", f"{base} answers" + (f" and has {wanted}" if wanted in names else ""))
