"""Greetings, thanks, help, questions about the model itself, and the fallback answer."""

import re

from sandbox.llm.skill import Skill, SkillRequest, build_matcher
from sandbox.llm.suggestions import render_suggestions

_GREETING = re.compile(
    r"(?i)^\W*(?:hi|hello|hey|hiya|howdy|yo|good (?:morning|day|afternoon|evening)|greetings"
    r"|привет\w*|здравствуй\w*|здорово|хай|салют"
    r"|добр(?:ый|ое|ого) (?:день|утро|вечер|дня|утра))\b[\w\s,]{0,30}\W*$"
)
_HELP = re.compile(
    r"(?i)^\W*(?:/?help|помощь|помоги(?:те)?|справка)\W*$"
    r"|\bwhat (?:can|do) you (?:do|know)\b|\bhow (?:can|do) (?:you|i) (?:help|use)\b"
    r"|\bчто (?:ты |вы )?(?:умеешь|умеете|можешь|можете)\b|\bкак (?:тобой|вами) пользоваться\b"
)
_THANKS = re.compile(r"(?i)\b(?:thanks|thank you|thx|cheers|спасибо|благодарю|спс)\b")
_MAX_THANKS_WORDS = 6
WITHDRAWAL = re.compile(
    r"(?i)^\W*(?:no,?\s+)?(?:never ?mind|forget (?:it|about it|that)|cancel (?:it|that)"
    r"|don'?t (?:bother|do it)|не надо|не нужно|забудь|отмена|отмени это|передумала?)\b"
)
"""The user does not want any more what they have asked for."""
_IDENTITY = re.compile(
    r"(?i)\bwho are you\b|\bwhat are you\b|\byour (?:name|instructions|role)\b"
    r"|\b(?:which|what)\s+(?:language\s+)?model\b.*\b(?:you|this|answers)\b"
    r"|\bкакая\s+(?:ты|это|вы|у тебя)\s+модель\b|\bчто (?:ты|это) за модель\b"
    r"|\bкакая\s+модель\s+(?:ты|отвечает|мне отвечает)\b|\bare you (?:a|an|real)\b"
    r"|\bкто ты\b|\bкто вы\b|\bты кто\b|\bкак тебя зовут\b|\bтво[ия] (?:инструкци\w+|роль)\b"
    r"|\bты (?:робот|бот|человек|настоящ\w+)\b"
)
_FIRST_SENTENCE = re.compile(r"(?s).+?(?:[.!?…](?=\s|$)|\n|$)")
_MAX_INSTRUCTION_LENGTH = 200
_MAX_REQUEST_LENGTH = 120


def _greet(request: SkillRequest) -> str:
    if not request.is_only_request:
        return request.localize("Hi!", "Привет!")
    hello = request.localize(
        "Hi! I am the **demo model** of this sandbox: a set of rules, not a real language model. "
        "But the tools that I call are real. Try one of these:",
        "Привет! Я **демо-модель** этой песочницы: набор правил, а не настоящая языковая модель. "
        "Но инструменты, которые я вызываю, настоящие. Попробуйте:",
    )
    return f"{hello}\n\n{render_suggestions(request.context)}"


def _help(request: SkillRequest) -> str:
    suggestions = render_suggestions(request.context)
    return request.localize(
        "I am a small rule-based demo model. This is what I understand:"
        f"\n\n{suggestions}\n\n"
        "With a real model (`OPENAI_API_KEY` or `OPENAI_BASE_URL` in `.env`), the same assistant "
        "understands everything else, too.",
        "Я маленькая демо-модель на правилах. Вот что я понимаю:"
        f"\n\n{suggestions}\n\n"
        "Если подключить настоящую модель (`OPENAI_API_KEY` или `OPENAI_BASE_URL` в `.env`), тот "
        "же ассистент поймёт и всё остальное.",
    )


def _is_thanks(request: SkillRequest) -> bool:
    is_short = len(request.text.split()) <= _MAX_THANKS_WORDS
    return is_short and bool(_THANKS.search(request.text))


def _introduce(request: SkillRequest) -> str:
    introduction = request.localize(
        f"I am the sandbox's demo model; my name here is `{request.context.model}`. I am a set of "
        "rules that imitates a language model, so that you can try everything else without an "
        "account.",
        f"Я демо-модель песочницы, здесь меня зовут `{request.context.model}`. Я набор правил, "
        "который изображает языковую модель, чтобы всё остальное можно было попробовать без "
        "аккаунтов.",
    )
    return introduction + _quote_instruction(
        request, "My instructions begin with:", "Мои инструкции начинаются так:"
    )


def _fall_back(request: SkillRequest) -> str:
    asked = _shorten(request.text, _MAX_REQUEST_LENGTH)
    answer = request.localize(
        f"I am only the sandbox's rule-based demo model, and I have no rule for “{asked}”. "
        "A real model would answer here.",
        f"Я всего лишь демо-модель песочницы, и правила для «{asked}» у меня нет. "
        "Здесь ответила бы настоящая модель.",
    )
    answer += _quote_instruction(
        request, "It would follow my instructions:", "Она следовала бы моим инструкциям:"
    )
    if not request.context.tools:
        return answer
    able = request.localize("I can do this:", "Я умею вот что:")
    return f"{answer}\n\n{able}\n\n{render_suggestions(request.context)}"


def _quote_instruction(request: SkillRequest, en: str, ru: str) -> str:
    """Return a paragraph with the first instruction, or "" without instructions."""
    found = _FIRST_SENTENCE.match(request.context.instructions.strip())
    if found is None:
        return ""
    instruction = _shorten(found[0], _MAX_INSTRUCTION_LENGTH)
    return "\n\n" + request.localize(f"{en} “{instruction}”", f"{ru} «{instruction}»")


def _shorten(text: str, max_length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= max_length else f"{line[:max_length].rstrip()}…"


GREETING = Skill(build_matcher(_GREETING), _greet, can_start_mid_message=False)
HELP = Skill(build_matcher(_HELP), _help)
THANKS = Skill(
    _is_thanks,
    lambda request: request.localize("You are welcome!", "Пожалуйста!"),
    can_start_mid_message=False,
)
WITHDRAWN = Skill(
    lambda request: bool(WITHDRAWAL.match(request.text)),
    lambda request: request.localize("All right.", "Хорошо."),
    can_start_mid_message=False,
)
IDENTITY = Skill(build_matcher(_IDENTITY), _introduce)
FALLBACK = Skill(
    lambda _: True, _fall_back, can_start_mid_message=False, takes_rest_of_sentence=True
)
