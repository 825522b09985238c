"""Secrets taken out of what a server sends back."""

import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest

from assistant.src.tools.redaction import redacted

SECRETS = ("sk-Abc123_-", 's3cr&t "κλ"/+=', "a\\b\\\\c", "%41 & x", "a", "😀<x>")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "spell",
    [
        str,
        json.dumps,
        lambda text: json.dumps(json.dumps(text)),
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: quote(text, safe=""),
        lambda text: quote(quote(text, safe="")),
        quote_plus,
        html.escape,
        lambda text: json.dumps(html.escape(text)),
        lambda text: html.escape(html.escape(text)),
        lambda text: "".join(f"&#{ord(letter)};" for letter in text),
        lambda text: "".join(f"&#x{ord(letter):X};" for letter in text),
    ],
)
def test_a_secret_is_found_in_every_spelling(secret: str, spell) -> None:
    shown = redacted(f"<{spell(secret)}>", {"key": secret})

    assert "(secret key)" in shown
    assert len(shown) <= len('<"(secret key)">') + 4, "nothing but quotation marks is left"


def test_what_is_no_secret_stays() -> None:
    text = 'sk-Abc12 "sk-abc123_-" \\u0041 %41'
    assert redacted(text, {"key": "sk-Abc123_-"}) == text
    assert redacted(text, {}) == text


@pytest.mark.parametrize("filler", ["\\", "&amp;", "%25", "&#0", "s", "s\\", "%"])
def test_a_server_cannot_keep_us_busy(filler: str) -> None:
    began = time.process_time()
    redacted(filler * 150_000, {"key": "s" * 60 + "\\"})
    assert time.process_time() - began < 5
