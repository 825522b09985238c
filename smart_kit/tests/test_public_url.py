"""Accepted spellings of URLs, public hosts, and the errors for refused URLs."""

import pytest

from smart_kit.safe_http.public_url import AddressBlocked, CanonicalUrl, check_public_address

INVALID_ADDRESS = "The URL must begin with http:// or https:// and contain no spaces."
INVALID_AUTHORITY = (
    "Between // and the path there must be a host name in Latin letters (xn--…) or an IP address,"
    " with an optional port."
)
INVALID_HOST_NAME = "The host name is not valid."
INVALID_NUMERIC_HOST = "The host is neither a name nor an IP address."
UNPARSABLE = "The target of a redirect is not a valid URL."
MAX_LENGTH = ".".join(["a" * 49] * 5) + ".io"
"""A name of 252 characters; 253 are allowed."""


def get_block_reason(text: str) -> str:
    with pytest.raises(AddressBlocked) as refused:
        CanonicalUrl.parse(text).check_public_host()
    return refused.value.message


@pytest.mark.parametrize(
    ("text", "spelt", "origin"),
    [
        ("http://a.b.com", "http://a.b.com/", "http://a.b.com:80"),
        ("HTTPS://A.B.com/X?Y=Z", "https://a.b.com/X?Y=Z", "https://a.b.com:443"),
        ("https://a.b.com:443/", "https://a.b.com/", "https://a.b.com:443"),
        ("https://a.b.com:80/", "https://a.b.com:80/", "https://a.b.com:80"),
        ("http://a.b.com:443/", "http://a.b.com:443/", "http://a.b.com:443"),
        ("http://a.b.com:65535/", "http://a.b.com:65535/", "http://a.b.com:65535"),
        ("http://a.b.com?x=1", "http://a.b.com/?x=1", "http://a.b.com:80"),
        ("http://8.8.8.8/", "http://8.8.8.8/", "http://8.8.8.8:80"),
        ("http://a.5.com/", "http://a.5.com/", "http://a.5.com:80"),
        ("http://5.com/", "http://5.com/", "http://5.com:80"),
        ("http://[2606:4700:0::1]/", "http://[2606:4700::1]/", "http://[2606:4700::1]:80"),
        ("http://[2606:4700::1]:81/", "http://[2606:4700::1]:81/", "http://[2606:4700::1]:81"),
        (f"http://a{MAX_LENGTH}/", f"http://a{MAX_LENGTH}/", f"http://a{MAX_LENGTH}:80"),
        ("http://a.b.com/%2e%2E/%", "http://a.b.com/%2e%2E/%", "http://a.b.com:80"),
        ("http://a.b.com/ж?ы", "http://a.b.com/%D0%B6?%D1%8B", "http://a.b.com:80"),
        ("http://a.b.com/\udcff", "http://a.b.com/%FF", "http://a.b.com:80"),
        ('http://a.b.com/"{|}"', 'http://a.b.com/"{|}"', "http://a.b.com:80"),
    ],
)
def test_url_is_normalized(text: str, spelt: str, origin: str) -> None:
    url = CanonicalUrl.parse(text)
    url.check_public_host()

    assert (str(url), url.origin) == (spelt, origin)
    assert CanonicalUrl.parse(spelt) == url


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://a.b.com/", INVALID_ADDRESS),
        ("http://a.b.com/\\", INVALID_ADDRESS),
        ("http://a.b.com/ ", INVALID_ADDRESS),
        ("http://user@a.b.com/", INVALID_AUTHORITY),
        ("http://a.b.com:0/", INVALID_AUTHORITY),
        ("http://\u212aey.example.com/", INVALID_AUTHORITY),
        ("http://a.b.com:65536/", "The port must be at most 65535."),
        ("http://[1:2]/", "The text in [] is not an IPv6 address."),
        ("http://[127.0.0.1]/", "The text in [] is not an IPv6 address."),
        ("http://a.b.7/", INVALID_NUMERIC_HOST),
        ("http://1.2.3/", INVALID_NUMERIC_HOST),
        ("http://-a.com/", INVALID_HOST_NAME),
        (f"http://aa{MAX_LENGTH}/", INVALID_HOST_NAME),
        ("http://a.b.com/\ud800", "The URL contains an unpaired surrogate."),
        ("http://nas/", "nas is not a public host."),
        ("http://nas.lan/", "nas.lan is not a public host."),
        ("http://127.0.0.1/", "The host is not a public one."),
        ("http://[::1]/", "The host is not a public one."),
    ],
)
def test_invalid_url_is_refused_with_a_reason(text: str, reason: str) -> None:
    assert get_block_reason(text) == reason


@pytest.mark.parametrize("answered", ["10.0.0.1", "::1", "2606:4700::1%eth0", "no address"])
def test_blocked_address_is_not_in_the_error(answered: str) -> None:
    with pytest.raises(AddressBlocked) as refused:
        check_public_address(answered)
    assert refused.value.message == "The host is not a public one."


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/end?x=1", "https://a.b.com:8443/end?x=1"),
        ("end", "https://a.b.com:8443/one/end"),
        ("/end#a part", None),
        ("../end#part#other", "https://a.b.com:8443/end"),
        ("?x=1", "https://a.b.com:8443/one/two?x=1"),
        ("//c.com/end", "https://c.com/end"),
        ("http://c.com", "http://c.com/"),
        ("/a\\b", None),
        ("/a b", None),
        ("http://[::1/", None),
    ],
)
def test_redirect_target_is_parsed_strictly(location: str, target: str | None) -> None:
    base = CanonicalUrl.parse("https://a.b.com:8443/one/two")
    if target is not None:
        assert str(base.join(location)) == target
        return
    with pytest.raises(AddressBlocked) as refused:
        base.join(location)
    assert refused.value.message == UNPARSABLE
