"""Which certificates HTTP clients read."""

import ssl

import pytest

from smart_kit.tls import choose_ssl_context, get_ssl_context


@pytest.mark.parametrize("url", ["https://rest", "HTTPS://rest"])
def test_tls_trusts_the_certificates_of_the_system(url: str) -> None:
    assert choose_ssl_context(url) is get_ssl_context()


def test_plain_http_reads_no_certificates() -> None:
    context = choose_ssl_context("http://rest")

    assert context.cert_store_stats()["x509"] == 0
    assert context.verify_mode == ssl.CERT_REQUIRED
