"""The proxy for a server, by the variables of the environment."""

import pytest
from structlog.testing import capture_logs

from smart_kit import proxy as proxies
from smart_kit.errors import ConfigurationError
from smart_kit.proxy import check_proxies, find_proxy


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    proxies._warn_of_unsupported_proxy.cache_clear()


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({}, "https://api.example", None),
        ({"HTTPS_PROXY": "http://proxy.lan:3128"}, "https://api.example", "http://proxy.lan:3128"),
        ({"https_proxy": "http://proxy.lan:3128"}, "https://api.example", "http://proxy.lan:3128"),
        (
            {"HTTPS_PROXY": "http://ann:pw@proxy.lan"},
            "https://a.example",
            "http://ann:pw@proxy.lan",
        ),
        ({"HTTPS_PROXY": "proxy.lan:3128"}, "https://api.example", "http://proxy.lan:3128"),
        ({"HTTPS_PROXY": ""}, "https://api.example", None),
        ({"HTTPS_PROXY": "http://proxy.lan"}, "http://api.example", None),
        ({"HTTP_PROXY": "http://proxy.lan"}, "http://api.example:8080/v1", "http://proxy.lan"),
        ({"ALL_PROXY": "http://proxy.lan"}, "https://api.example", "http://proxy.lan"),
        (
            {"ALL_PROXY": "http://all.lan", "HTTPS_PROXY": "http://proxy.lan"},
            "https://api.example",
            "http://proxy.lan",
        ),
        ({"ALL_PROXY": "http://proxy.lan", "NO_PROXY": "*"}, "https://api.example", None),
        ({"ALL_PROXY": "http://proxy.lan", "NO_PROXY": "a, example"}, "https://api.example", None),
        (
            {"ALL_PROXY": "http://proxy.lan", "NO_PROXY": "ample"},
            "https://api.example",
            "http://proxy.lan",
        ),
        ({"ALL_PROXY": "http://proxy.lan"}, "http://127.0.0.1:11434/v1", None),
        ({"ALL_PROXY": "http://proxy.lan"}, "http://[::1]:11434/v1", None),
        ({"ALL_PROXY": "http://proxy.lan"}, "http://localhost:11434", None),
        ({"ALL_PROXY": "http://proxy.lan"}, "http://10.0.0.7", "http://proxy.lan"),
        ({"ALL_PROXY": "HTTPS://proxy.lan"}, "https://api.example", "https://proxy.lan"),
        ({"ALL_PROXY": "socks5://proxy.lan:1080"}, "https://api.example", None),
        (
            {"ALL_PROXY": "http://all.lan", "HTTPS_PROXY": "socks5h://proxy.lan"},
            "https://api.example",
            "http://all.lan",
        ),
    ],
)
def test_variables_select_the_proxy_of_a_server(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = find_proxy(url)

    assert (found and str(found)) == proxy


@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy"])
def test_ignored_proxy_is_named_once_without_its_credentials(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "socks5://ann:pa55word@proxy.lan:1080")
    with capture_logs() as lines:
        for _ in range(2):
            assert find_proxy("https://api.example") is None

    (line,) = lines
    assert (line["log_level"], line["variable"]) == ("warning", variable)
    assert "pa55word" not in str(line)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
@pytest.mark.parametrize("address", ["proxy.lan:99999", "http://", "http://ann:pa55word@:a"])
def test_malformed_proxy_is_a_configuration_error_that_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, address: str
) -> None:
    monkeypatch.setenv(variable, address)
    with pytest.raises(ConfigurationError, match=f"^{variable} is not") as raised:
        check_proxies()

    assert "pa55word" not in str(raised.value)
    assert raised.value.__context__ is None
