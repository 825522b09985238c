"""A sample of Markdown, which shows how a chat displays formatting."""

import re

from sandbox.llm.skill import Skill, matches_any

_TRIGGER = re.compile(r"(?i)\b(?:markdown|formatting|разметк\w*|форматировани\w*|маркдаун)\b")

_ENGLISH_SAMPLE = """\
# Markdown, all of it

Text may be **bold**, *italic*, ~~struck~~, `code`, or a [link](https://example.com/).

## A list

1. First
2. Second
   - nested
   - and again

> A quotation
> on two lines.

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

> Цитата
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


MARKDOWN = Skill(
    matches_any(_TRIGGER), lambda request: request.localize(_ENGLISH_SAMPLE, _RUSSIAN_SAMPLE)
)
