"""Removing secrets from a server's response."""

import base64
import html
import json
import re
import time
from urllib.parse import quote, quote_plus

import pytest

from assistant.src.tools.redaction import redact

SECRETS = (
    "sk-Abc123_-",
    "it's 5 o'clock",
    's3cr&t "κλ"/+=',
    "a\\b\\\\c",
    "%41 & x",
    "a",
    "😀<x>",
    ">>>???>",
)


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
        lambda text: "".join(f"&#{ord(letter)}" for letter in text),
        lambda text: html.escape(text).replace("&#x27;", "&apos;"),
        lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
        lambda text: json.dumps("".join(f"\\x{byte:02X}" for byte in text.encode())),
        lambda text: re.sub("(....)", r"\\u\1", text.encode("utf-16-be").hex().upper()),
        lambda text: quote(html.escape(json.dumps(text)[1:-1]), safe=""),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
        lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    ],
)
def test_a_secret_is_found_in_every_spelling(secret: str, spell) -> None:
    shown = redact(f"<{spell(secret)}>", {"key": secret})

    assert "(secret key)" in shown
    assert len(shown) <= len('<"(secret key)">') + 4, "nothing but quotation marks is left"


def test_of_a_secret_in_base64_no_letter_is_left() -> None:
    spelt = base64.b64encode(b"s3cretKeyABW").decode()
    assert spelt.endswith("X")
    assert redact(f"<{spelt}>", {"key": "s3cretKeyABW"}) == "<(secret key)>"


def test_a_secret_is_found_six_steps_deep() -> None:
    spelt = "sk-Äbc"
    for _ in range(6):
        spelt = quote(spelt)
    assert redact(f"<{spelt}>", {"key": "sk-Äbc"}) == "<(secret key)>"


def test_every_occurrence_of_a_secret_is_redacted() -> None:
    shown = redact("sk-Abcsk-Abc, sk%2DAbc", {"key": "sk-Abc"})
    assert shown == "(secret key)(secret key), (secret key)"


def test_a_secret_is_found_behind_what_only_looks_encoded() -> None:
    nothing = r"&nosuch; \ud800 % &#xd800; "
    assert redact(f"{nothing}%73k-Abc", {"key": "sk-Abc"}) == f"{nothing}(secret key)"


def test_a_secret_within_what_only_looks_encoded_is_taken_out_alone() -> None:
    assert redact("&nosuch; %41", {"key": "such"}) == "&no(secret key); %41"


def test_half_a_character_beside_a_secret_stays() -> None:
    assert redact("\ud800sk-Abc\udfff", {"key": "sk-Abc"}) == "\ud800(secret key)\udfff"


def test_a_secret_that_stands_for_nothing_once_decoded_is_found_as_it_is() -> None:
    assert redact("a &#11; b", {"key": "&#11;"}) == "a (secret key) b"


def test_nothing_is_left_of_two_secrets_that_overlap() -> None:
    assert redact("<abcdefghi>", {"one": "abcdef", "other": "defghi"}) == "<(secret one)>"
    assert redact("<abcdef>", {"whole": "abcdef", "part": "bc"}) == "<(secret whole)>"


def test_other_text_stays_unchanged() -> None:
    text = 'sk-Abc12 "sk-abc123_-" \\u0041 %41'
    assert redact(text, {"key": "sk-Abc123_-"}) == text
    assert redact(text, {}) == text


def test_overlapping_secrets_are_redacted_once() -> None:
    shown = redact("<Bearer sk-Abc, sk-Abc>", {"key": "sk-Abc", "whole": "Bearer sk-Abc"})
    assert shown == "<(secret whole), (secret key)>"


def test_secret_across_the_cut_is_redacted_whole() -> None:
    text = "abc" + quote("sk-Äbc") + "def"
    for shown in range(3, len(text) - 3):
        assert redact(text, {"key": "sk-Äbc"}, shown) == ("abc(secret key)" if shown > 3 else "abc")
    assert redact(text, {}, 4) == "abcs"


@pytest.mark.parametrize("filler", ["\\", "&amp;", "%25", "&#0", "s", "s\\", "%"])
def test_a_server_cannot_keep_us_busy(filler: str) -> None:
    began = time.process_time()
    redact(filler * 150_000, {"key": "s" * 60 + "\\"})
    assert time.process_time() - began < 5


def test_long_secret_is_prepared_quickly() -> None:
    began = time.process_time()
    for number in range(10):
        redact("hello", {"key": f"{number}-Abc" * 1_500})
    assert time.process_time() - began < 5
