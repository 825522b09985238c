"""The page's files: texts in both languages, and no resources of other hosts."""

import re

import pytest

from sandbox.chat.routes import STATIC_DIR

SOURCES = {path.name: path.read_text() for path in STATIC_DIR.iterdir()}
_TEXT_KEY = re.compile(r"^    (\w+):", re.MULTILINE)


def _get_text_keys(language: str) -> set[str]:
    found = re.search(rf"^  {language}: \{{\n(.*?)^  \}},", SOURCES["i18n.js"], re.M | re.S)
    assert found
    return set(_TEXT_KEY.findall(found[1]))


def test_both_languages_have_the_same_texts() -> None:
    assert _get_text_keys("ru") == _get_text_keys("en") != set()


def test_every_used_translation_exists() -> None:
    used = set(re.findall(r'data-t(?:-\w+)?="(\w+)"', SOURCES["index.html"]))
    for name, source in SOURCES.items():
        if name.endswith(".js"):
            used |= set(re.findall(r'\bt\("(\w+)"\)', source))
    assert used <= _get_text_keys("en")


def test_every_translation_is_used() -> None:
    everything = "".join(source for name, source in SOURCES.items() if name != "i18n.js")
    everything += SOURCES["i18n.js"].split("export const language")[1]
    assert [key for key in _get_text_keys("en") if not re.search(rf'"{key}"', everything)] == []


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_page_has_no_external_addresses(name: str) -> None:
    addresses = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", SOURCES[name])
    assert [address for address in addresses if "www.w3.org" not in address] == []


def test_every_used_icon_and_element_exists() -> None:
    icons = set(re.findall(r'<symbol id="(\w+)"', SOURCES["icons.svg"]))
    used = set(re.findall(r"icons\.svg#(\w+)", SOURCES["index.html"]))
    ids = set(re.findall(r'id="([\w-]+)"', SOURCES["index.html"]))
    requested: set[str] = set()
    for name, source in SOURCES.items():
        if name.endswith(".js"):
            used |= set(re.findall(r'\bicon\("(\w+)"\)', source))
            requested |= set(re.findall(r'byId\("([\w-]+)"\)', source))
    assert used <= icons
    assert requested <= ids


def test_every_imported_name_is_exported() -> None:
    exported = {
        name: set(re.findall(r"^export (?:async )?(?:const|function|class) (\w+)", source, re.M))
        for name, source in SOURCES.items()
    }
    imports = [
        (module, name.strip())
        for source in SOURCES.values()
        for names, module in re.findall(r'^import \{([^}]+)\} from "\./([\w.]+)";', source, re.M)
        for name in names.split(",")
    ]
    assert len(imports) > 40
    assert [(module, name) for module, name in imports if name not in exported[module]] == []
