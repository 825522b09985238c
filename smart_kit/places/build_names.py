"""Chooses Russian names among GeoNames' alternate names, which do not say their language.

Used only by `build_table`. Many languages are written in Cyrillic letters, and most names look
the same in several of them. Names that cannot be Russian are left out. Of the others, the one that
sounds most like the English name is taken, with corrections for what is typical of Russian. Where
that is wrong, `spellings.tsv` has the right name.
"""

import re
from collections.abc import Iterable
from functools import cache

from .names import normalize_name

_CYRILLIC_NAME = re.compile(r"[А-ЯЁ][а-яё]*(?:[ '’-][А-ЯЁа-яё][а-яё]*)*")
_NOT_RUSSIAN = re.compile(
    r"ъ(?![еёюя])"  # Bulgarian
    r"|[сцз]ьк|ьсь|дзь|цьк|ьо|шч|[жшчщ]ы|[жшчщц]э|[чщ]я|[гк]ю|аў"  # Ukrainian, Belarusian
    r"|ыа|ыо|ыы|аа$|[ао]ай$|йй|щч|(?:^|[ -])[ьъы]"  # Turkic and Mongolian
    r"|ийн| (?:ош|ола|хото?|каласы|шаары|шахары|шахри|вилоят\w*|вилаят\w*|район|область)(?: |$)",
    re.IGNORECASE,
)
_SOUNDS_OF_CYRILLIC = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфхыэ", "abvgdeziiklmnoprstufhie", strict=True))
    | {"ё": "e", "ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sch", "ъ": "", "ь": ""}
    | {"ю": "yu", "я": "ya"}
)
_SOUNDS = (
    *(("kh", "h"), ("sch", "sh"), ("w", "v"), ("ck", "k"), ("ph", "f"), ("qu", "kv"), ("q", "k")),
    *(("c(?=[eiy])", "s"), ("c(?!h)", "k"), ("x", "ks"), ("yu", "u"), ("ya", "a"), ("y", "i")),
    *(("th", "t"), ("gh", "g"), ("oo|ou", "u"), ("ee", "i"), ("j", "dzh")),
)
"""What languages write differently, and how it is compared."""
_SIMILAR_SOUNDS = ({"g", "h"}, {"z", "s"}, {"b", "p"}, {"d", "t"})

_PARTICLES = (
    "на|де|ла|ле|эль|аль|ам|сюр|дель|ду|ди|душ|дос|дас|и|эт|ан|ден|дер|лос|лас|э|у|под|оф|ад|ас|аш"
    "|ар|ат|эс|эш|эд|энд|ин|тхе"
)
_WEIGHTS = (
    (rf"[ '’-](?!(?:{_PARTICLES})(?:[ '’-]|$))[а-яё]", 3),
    (r"([бвгдзклмнпрстф])\1", -0.7),  # Bulgarian, Serbian and Belarusian have one letter
)
"""Patterns, and how much more unlikely each occurrence makes it that a name is Russian."""
_NATIVE_WEIGHTS = (
    (r"тс[^к]|[аиоуы]ва?$(?<!ова)|^Нав|^Нова[^я]|ьск$|[^ыи]и$|ай$|ы$", 0.8),
    (r"[ыи]й(?: |$)|ов$|ск$|-|[лнртмв]ь|щ|ы|цк|ё", -0.5),
)
_FOREIGN_WEIGHTS = (
    (r"^Е| ", 0.4),
    (r"[ьё]|[аеоуэ]й|ия$", -0.4),
    (r"[аи]о$|[чжш]ь|ий$|иа$|[бвдзлмнпрстф]анд$|[аоуиюя]е", 0.6),
)
_HARD_VOWELS = (("ы", 0.8), ("[бвдзлмнпрстфх]э", 0.5))
_W_AS_U = (("ы", 0.8), ("(?:^|[ -])У[аиоэ]", -1.2))
_WEIGHTS_BY_COUNTRY = {
    **dict.fromkeys(["US", "GB", "CA", "AU", "NZ", "IE"], _W_AS_U),
    **dict.fromkeys(["KR", "KP"], (("[пткч]х", -0.5),)),
    **dict.fromkeys(["BR", "PT"], (("ы", 0.8), ("Сан-|ан-|[уи](?:-|$)|ус", -1))),
    "CN": (("[нл]ь|эй|[аеиоуэюя]й|[хчшж]э|ц|чж|сяо", -1), ("нг|дж|дз", 1)),
    "JP": (("ш|дж|ч|тс|(?<!д)з|аи$", 1),),
    "PL": (("ы", -0.4), ("[бвдзлмнпрстфх]э", 0.5)),
}
_CYRILLIC_COUNTRIES = frozenset(["RU", "UA", "BY", "KZ", "UZ", "KG", "TJ", "TM", "MD"])


def choose_russian_name(name: str, alternates: Iterable[str], country: str) -> str:
    """Return the alternate name that looks most like Russian; empty if none does."""
    candidates = [
        other
        for other in sorted(set(alternates))
        if _CYRILLIC_NAME.fullmatch(other) and not _NOT_RUSSIAN.search(other)
    ]
    return min(candidates, key=lambda each: _rate(each, name, country), default="")


def _rate(candidate: str, name: str, country: str) -> float:
    """Return how unlikely it is that a name is the Russian one."""
    foreign = (*_FOREIGN_WEIGHTS, *_WEIGHTS_BY_COUNTRY.get(country, _HARD_VOWELS))
    weights = _NATIVE_WEIGHTS if country in _CYRILLIC_COUNTRIES else foreign
    sound = candidate.casefold().translate(_SOUNDS_OF_CYRILLIC)
    rating = _measure_difference(_simplify(sound), _simplify(name))
    for pattern, weight in (*_WEIGHTS, *weights):
        rating += weight * len(re.findall(pattern, candidate))
    return rating


@cache
def _simplify(name: str) -> str:
    """Return how a name sounds, without what languages write differently."""
    text = re.sub("[^a-z]", "", normalize_name(name))
    for pattern, sound in _SOUNDS:
        text = re.sub(pattern, sound, text)
    return text


def _measure_difference(one: str, other: str) -> float:
    """Return the edit distance; vowels, doubled letters and similar consonants count less."""
    previous = [0.0]
    for index in range(len(other)):
        previous.append(previous[-1] + _weigh(other, index))
    for i, letter in enumerate(one):
        weight = _weigh(one, i)
        current = [previous[0] + weight]
        for j, other_letter in enumerate(other):
            replaced = previous[j] + _compare(letter, other_letter)
            removed = previous[j + 1] + weight
            current.append(min(replaced, removed, current[-1] + _weigh(other, j)))
        previous = current
    return previous[-1]


def _weigh(text: str, index: int) -> float:
    is_double = index > 0 and text[index - 1] == text[index]
    return 0.5 if is_double or text[index] in "aeiouh" else 1


def _compare(letter: str, other: str) -> float:
    if letter == other:
        return 0
    if {letter, other} <= set("aeiou"):
        return 0.6
    return 0.3 if {letter, other} in _SIMILAR_SOUNDS else 1
