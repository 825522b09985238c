"""A sample of everything that Markdown can do, to see how a chat shows it."""

import re

from sandbox.llm.skill import Skill, SkillRequest

_TRIGGER = re.compile(
    r"\b(?:markdown|formatting|разметк\w*|форматировани\w*|маркдаун)\b", re.IGNORECASE
)

_ENGLISH_SAMPLE = """\
# Markdown, all of it

Text may be **bold**, *italic*, ~~struck~~, `code`, or a [link](https://example.com/).

## A list

1. First
2. Second
   - nested
   - and again

> A quote that somebody said
> in two lines.

## Code

```python
def greet(name: str) -> str:
    return f"Hello, {name}!"
```

## A table

| City | Country | Zone |
|---|---|---|
| Tokyo | Japan | UTC+9 |
| Berlin | Germany | UTC+1 |
"""

_RUSSIAN_SAMPLE = """\
# Markdown целиком

Текст бывает **жирным**, *курсивом*, ~~зачёркнутым~~, `кодом` и [ссылкой](https://example.com/).

## Список

1. Первое
2. Второе
   - вложенное
   - и ещё

> Цитата, которую кто-то сказал
> в две строки.

## Код

```python
def greet(name: str) -> str:
    return f"Привет, {name}!"
```

## Таблица

| Город | Страна | Пояс |
|---|---|---|
| Токио | Япония | UTC+9 |
| Берлин | Германия | UTC+1 |
"""


def _matches(request: SkillRequest) -> bool:
    return _TRIGGER.search(request.text) is not None


def _start(request: SkillRequest) -> str:
    return request.localize(_ENGLISH_SAMPLE, _RUSSIAN_SAMPLE)


MARKDOWN = Skill(_matches, _start)
