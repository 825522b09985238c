"""The proxy for a server, by the variables of the environment."""

import pytest

from smart_kit.proxy import find_proxy


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


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
    ],
)
def test_variables_select_the_proxy_of_a_server(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = find_proxy(url)

    assert (found and str(found)) == proxy
