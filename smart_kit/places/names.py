"""Compares names of places: without case, accents and punctuation, and in Russian also declined."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe"})
"""Letters that Unicode does not decompose."""
_IGNORED = re.compile("['’‘ʻʼʿ`´\u0300-\u036f]+")
_PUNCTUATION = re.compile(r"(?:[^\w+\t\n,]|_)+")
_LEADING_WORDS = re.compile(r"^(?:(?:the|city of|in|во|в|из|на|городе?|г) )+")
_ENDING = re.compile(
    "(?:"
    "(?<=[а-я]{2})(?:иеи|и[еиюя]|[еоы][еи]|[ео]ю|ая|ую|юю|яя|[аеиоуыэюя])"
    "|(?<=[а-я]{3})(?:[ео]го|[ео]му|[аиыя]ми|[еиоы]м|[аиыя]х)"
    ")$"
)
"""What declension changes at the end of a normalized word (й is и)."""
_FLEETING_VOWEL = re.compile("(?<=[а-я]{2})[ео](?=[цкл]$)")
"""Орёл, в Орле; Череповец, в Череповце."""
_INDECLINABLE = re.compile("(?<!ов)(?<!ев)(?<!ин)о$")
"""Токио, Осло, but not Иваново."""


def normalize_name(text: str) -> str:
    """Return lower case without accents (so ё is е) and punctuation: "Нью-Йорк" → "нью иорк".

    Commas, tabs and line ends stay, so that a whole table can be normalized at once.
    """
    letters = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return _PUNCTUATION.sub(" ", _IGNORED.sub("", letters)).strip()


def strip_leading_words(name: str) -> str:
    """Remove words before a normalized name, as in "in the city of Paris"."""
    return _LEADING_WORDS.sub("", name)


class NameIndex:
    """Finds the lines of a table by the names in them.

    It is one string, which is searched from its beginning: a dictionary would take several times
    the memory, and saves less than a millisecond.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        """Take the lines with their names, which commas or tabs separate."""
        names = re.sub(" *[,\t]+ *", "|", normalize_name("\n".join(lines)))
        self._text = "|" + re.sub(" *\n *", "|\n|", names) + "|"

    def find(self, name: str) -> int | None:
        """Return the number of the first line with this normalized name."""
        position = self._text.find(f"|{name}|")
        return None if position < 0 else self._text.count("\n", 0, position)

    def find_declined(self, name: str) -> int | None:
        """Return the number of the first line with a name of which this is a Russian case."""
        stem = _stem_words(name)
        if not re.match("[а-я]", stem):
            return None
        for found in re.finditer(rf"(?<=\|){stem[0]}[^|]+", self._text):
            if not _INDECLINABLE.search(found[0]) and _stem_words(found[0]) == stem:
                return self._text.count("\n", 0, found.start())
        return None

    def iter_names(self) -> Iterator[tuple[int, str]]:
        """Yield all names with the numbers of their lines."""
        for number, line in enumerate(self._text.split("\n")):
            yield from ((number, name) for name in line.split("|") if name)


def _stem_words(name: str) -> str:
    """Remove what declension changes: "москве" and "москва" become "москв"."""
    return " ".join(map(_stem_word, name.split()))


def _stem_word(word: str) -> str:
    return _FLEETING_VOWEL.sub("", _ENDING.sub("", word).replace("ь", ""))
