"""What simple instructions, and a model's own nature, make of an answer.

They are obeyed so that whoever changes an assistant sees that its next answer is another. A new one
is a line in RULES.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.llm import names
from sandbox.llm.language import Language

_WORDS = r"(?P<words>“[^”]+”|\"[^\"]+\"|«[^»]+»|[^\n.]+)"
_ANSWERS = r"(?:(?:every|each|all|your|the)\s+)*(?:answers?|repl(?:y|ies)|messages?)"
_RUSSIAN_ANSWERS = r"(?:(?:кажд|люб|сво|вс)\w+\s+)*(?:ответ|сообщени)\w*"
_LANGUAGE = re.compile(
    r"\b(?:answer|reply|speak|write)\s+(?:only\s+|always\s+)?in\s+(?P<en>english|russian)\b"
    r"|\b(?:отвечай|пиши|говори)(?:те)?\s+(?:только\s+|всегда\s+)?(?:по-|на )(?P<ru>англ|русск)",
    re.IGNORECASE,
)
_BRIEFLY = re.compile(
    r"\b(?:answer|reply)\s+(?:very\s+)?briefly\b|\bbe\s+(?:very\s+)?brief\b"
    r"|\bотвечай(?:те)?\s+(?:очень\s+)?кратко\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"\A[^\n]*?[.!?…](?=\s|$)")


@dataclass(frozen=True)
class Rule:
    """`apply` takes an answer and the words that the instructions name."""

    instruction: re.Pattern[str]
    apply: Callable[[str, str], str]


def _rule(english: str, russian: str, apply: Callable[[str, str], str]) -> tuple[Rule, Rule]:
    return (
        Rule(re.compile(english, re.IGNORECASE), apply),
        Rule(re.compile(russian, re.IGNORECASE), apply),
    )


RULES: tuple[Rule, ...] = (
    *_rule(
        rf"\b(?:begin|start)\s+{_ANSWERS}\s+with\s+{_WORDS}",
        rf"\bначинай(?:те)?\s+{_RUSSIAN_ANSWERS}\s+(?:с|со)\s+(?:слов\w*\s+)?{_WORDS}",
        lambda answer, words: f"{words} {answer}",
    ),
    *_rule(
        rf"\b(?:end|finish)\s+{_ANSWERS}\s+with\s+{_WORDS}",
        rf"\bзаканчивай(?:те)?\s+{_RUSSIAN_ANSWERS}\s+(?:слов\w*\s+)?{_WORDS}",
        lambda answer, words: f"{answer}\n\n{words}",
    ),
    *_rule(
        r"\b(?:answer|reply|write)\s+(?:only\s+)?in\s+(?:all\s+)?(?:caps|capitals?)\b",
        r"\b(?:отвечай|пиши)(?:те)?\s+(?:только\s+)?(?:заглавными|большими|прописными)\b",
        lambda answer, _: answer.upper(),
    ),
)


def in_manner(answer: str, instructions: str) -> str:
    """The answer as the instructions want it."""
    for rule in RULES:
        if found := rule.instruction.search(instructions):
            words = found.groupdict().get("words") or ""
            answer = rule.apply(answer, words.strip(' “”"«»'))
    return answer


def is_brief(model: str, instructions: str) -> bool:
    """Whether no more is said than must be."""
    return model == names.BRIEF or _BRIEFLY.search(instructions) is not None


def shortened(answer: str) -> str:
    """The first sentence; what is no prose, such as a list of facts, stays whole."""
    found = _SENTENCE.match(answer)
    return found[0] if found else answer


def demanded_language(instructions: str) -> Language | None:
    """The one language that the instructions allow."""
    found = _LANGUAGE.search(instructions)
    if found is None:
        return None
    return "ru" if (found["en"] or found["ru"]).lower() in ("russian", "русск") else "en"
