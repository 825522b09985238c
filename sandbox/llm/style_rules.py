"""Style instructions that the demo model follows: prefix, suffix, capitals, brevity, language.

They make a changed assistant visible in its next answer.
"""

import re

from sandbox.llm import model_names
from sandbox.llm.language import Language

_QUOTED_TEXT = r"(?P<quoted_text>“[^”]+”|\"[^\"]+\"|«[^»]+»|[^\n.]+)"
_RUSSIAN_QUOTE = rf"(?:слов\w*\s+)?{_QUOTED_TEXT}"
_ANSWERS = r"(?:(?:every|each|all|your|the)\s+)*(?:answers?|repl(?:y|ies)|messages?)"
_RUSSIAN_ANSWERS = r"(?:(?:кажд|люб|сво|вс)\w+\s+)*(?:ответ|сообщени)\w*"
_LANGUAGE = re.compile(
    r"(?i)\b(?:answer|reply|speak|write)\s+(?:only\s+|always\s+)?in\s+(?P<en>english|russian)\b"
    r"|\b(?:отвечай|пиши|говори)(?:те)?\s+(?:только\s+|всегда\s+)?(?:по-|на )(?P<ru>англ|русск)"
)
_BREVITY = re.compile(
    r"(?i)\b(?:answer|reply)\s+(?:very\s+)?briefly\b|\bbe\s+(?:very\s+)?brief\b"
    r"|\bотвечай(?:те)?\s+(?:очень\s+)?кратко\b"
)
_SENTENCE = re.compile(r"\A[^\n]*?[.!?…](?=\s|$)")
_CAPITALS = re.compile(
    r"(?i)\b(?:answer|reply|write)\s+(?:only\s+)?in\s+(?:all\s+)?(?:caps|capitals?)\b"
    r"|\b(?:отвечай|пиши)(?:те)?\s+(?:только\s+)?(?:заглавными|большими|прописными)\b"
)
_PREFIX, _SUFFIX = "{quoted} {answer}", "{answer}\n\n{quoted}"
_TEMPLATES = {
    rf"(?i)\b(?:begin|start)\s+{_ANSWERS}\s+with\s+{_QUOTED_TEXT}": _PREFIX,
    rf"(?i)\bначинай(?:те)?\s+{_RUSSIAN_ANSWERS}\s+(?:с|со)\s+{_RUSSIAN_QUOTE}": _PREFIX,
    rf"(?i)\b(?:end|finish)\s+{_ANSWERS}\s+with\s+{_QUOTED_TEXT}": _SUFFIX,
    rf"(?i)\bзаканчивай(?:те)?\s+{_RUSSIAN_ANSWERS}\s+{_RUSSIAN_QUOTE}": _SUFFIX,
}
"""Instructions that quote a text, and where that text goes."""


def apply_style(answer: str, instructions: str) -> str:
    """Return the answer changed according to the instructions."""
    for pattern, template in _TEMPLATES.items():
        if found := re.search(pattern, instructions):
            answer = template.format(quoted=found["quoted_text"].strip(' “”"«»'), answer=answer)
    return answer.upper() if _CAPITALS.search(instructions) else answer


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
