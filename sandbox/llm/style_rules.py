"""Style instructions that the demo model follows: prefix, suffix, capitals, brevity, language.

They make a changed assistant visible in its next answer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.llm import model_names
from sandbox.llm.language import Language

_QUOTED_TEXT = r"(?P<quoted_text>“[^”]+”|\"[^\"]+\"|«[^»]+»|[^\n.]+)"
_ANSWERS = r"(?:(?:every|each|all|your|the)\s+)*(?:answers?|repl(?:y|ies)|messages?)"
_RUSSIAN_ANSWERS = r"(?:(?:кажд|люб|сво|вс)\w+\s+)*(?:ответ|сообщени)\w*"
_LANGUAGE = re.compile(
    r"\b(?:answer|reply|speak|write)\s+(?:only\s+|always\s+)?in\s+(?P<en>english|russian)\b"
    r"|\b(?:отвечай|пиши|говори)(?:те)?\s+(?:только\s+|всегда\s+)?(?:по-|на )(?P<ru>англ|русск)",
    re.IGNORECASE,
)
_BREVITY = re.compile(
    r"\b(?:answer|reply)\s+(?:very\s+)?briefly\b|\bbe\s+(?:very\s+)?brief\b"
    r"|\bотвечай(?:те)?\s+(?:очень\s+)?кратко\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"\A[^\n]*?[.!?…](?=\s|$)")


@dataclass(frozen=True)
class StyleRule:
    """`apply` takes the answer and the text that the instruction quotes."""

    instruction: re.Pattern[str]
    apply: Callable[[str, str], str]


def _bilingual_rule(
    english: str, russian: str, apply: Callable[[str, str], str]
) -> tuple[StyleRule, StyleRule]:
    return (
        StyleRule(re.compile(english, re.IGNORECASE), apply),
        StyleRule(re.compile(russian, re.IGNORECASE), apply),
    )


STYLE_RULES: tuple[StyleRule, ...] = (
    *_bilingual_rule(
        rf"\b(?:begin|start)\s+{_ANSWERS}\s+with\s+{_QUOTED_TEXT}",
        rf"\bначинай(?:те)?\s+{_RUSSIAN_ANSWERS}\s+(?:с|со)\s+(?:слов\w*\s+)?{_QUOTED_TEXT}",
        lambda answer, quoted: f"{quoted} {answer}",
    ),
    *_bilingual_rule(
        rf"\b(?:end|finish)\s+{_ANSWERS}\s+with\s+{_QUOTED_TEXT}",
        rf"\bзаканчивай(?:те)?\s+{_RUSSIAN_ANSWERS}\s+(?:слов\w*\s+)?{_QUOTED_TEXT}",
        lambda answer, quoted: f"{answer}\n\n{quoted}",
    ),
    *_bilingual_rule(
        r"\b(?:answer|reply|write)\s+(?:only\s+)?in\s+(?:all\s+)?(?:caps|capitals?)\b",
        r"\b(?:отвечай|пиши)(?:те)?\s+(?:только\s+)?(?:заглавными|большими|прописными)\b",
        lambda answer, _: answer.upper(),
    ),
)


def apply_style(answer: str, instructions: str) -> str:
    """Return the answer changed according to the instructions."""
    for rule in STYLE_RULES:
        if found := rule.instruction.search(instructions):
            quoted_text = found.groupdict().get("quoted_text") or ""
            answer = rule.apply(answer, quoted_text.strip(' “”"«»'))
    return answer


def is_brevity_required(model: str, instructions: str) -> bool:
    """Return whether the model or the instructions demand short answers."""
    return model == model_names.BRIEF_MODEL or _BREVITY.search(instructions) is not None


def truncate_to_sentence(answer: str) -> str:
    """Return the first sentence; an answer that does not begin with one stays whole."""
    found = _SENTENCE.match(answer)
    return found[0] if found else answer


def find_required_language(instructions: str) -> Language | None:
    """Return the language that the instructions demand, or None."""
    found = _LANGUAGE.search(instructions)
    if found is None:
        return None
    return "ru" if (found["en"] or found["ru"]).lower() in ("russian", "русск") else "en"
