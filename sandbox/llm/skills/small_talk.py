"""Greetings, thanks, help, questions about the model itself, and the fallback answer."""

import re

from sandbox.llm.skill import Skill, SkillRequest, matches_any
from sandbox.llm.suggestions import render_suggestions

_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|hiya|howdy|yo|good (?:morning|day|afternoon|evening)|greetings"
    r"|привет\w*|здравствуй\w*|здорово|хай|салют"
    r"|добр(?:ый|ое|ого) (?:день|утро|вечер|дня|утра))\b[\w\s,]{0,30}\W*$",
    re.IGNORECASE,
)
_HELP = re.compile(
    r"^\W*(?:/?help|помощь|помоги(?:те)?|справка)\W*$"
    r"|\bwhat (?:can|do) you (?:do|know)\b|\bhow (?:can|do) (?:you|i) (?:help|use)\b"
    r"|\bчто (?:ты |вы )?(?:умеешь|умеете|можешь|можете)\b|\bкак (?:тобой|вами) пользоваться\b",
    re.IGNORECASE,
)
_THANKS = re.compile(r"\b(?:thanks|thank you|thx|cheers|спасибо|благодарю|спс)\b", re.IGNORECASE)
_MAX_THANKS_WORDS = 6
_IDENTITY = re.compile(
    r"\bwho are you\b|\bwhat are you\b|\byour (?:name|instructions|role)\b"
    r"|\b(?:which|what)\s+(?:language\s+)?model\b.*\b(?:you|this|answers)\b"
    r"|\bкакая\s+(?:ты|это|вы|у тебя)\s+модель\b|\bчто (?:ты|это) за модель\b"
    r"|\bкакая\s+модель\s+(?:ты|отвечает|мне отвечает)\b"
    r"|\bare you (?:a|an|real)\b"
    r"|\bкто ты\b|\bкто вы\b|\bты кто\b|\bкак тебя зовут\b|\bтво[ия] (?:инструкци\w+|роль)\b"
    r"|\bты (?:робот|бот|человек|настоящ\w+)\b",
    re.IGNORECASE,
)
_FIRST_SENTENCE = re.compile(r".+?(?:[.!?…](?=\s|$)|\n|$)", re.DOTALL)
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
    intro = request.localize(
        "I am a small rule-based demo model. This is what I understand:",
        "Я маленькая демо-модель на правилах. Вот что я понимаю:",
    )
    hint = request.localize(
        "With a real model (`OPENAI_API_KEY` or `OPENAI_BASE_URL` in `.env`), the same assistant "
        "understands everything else, too.",
        "Если подключить настоящую модель (`OPENAI_API_KEY` или `OPENAI_BASE_URL` в `.env`), тот "
        "же ассистент поймёт и всё остальное.",
    )
    return f"{intro}\n\n{render_suggestions(request.context)}\n\n{hint}"


def _is_thanks(request: SkillRequest) -> bool:
    is_short = len(request.text.split()) <= _MAX_THANKS_WORDS
    return is_short and bool(_THANKS.search(request.text))


def _welcome(request: SkillRequest) -> str:
    return request.localize("You are welcome!", "Пожалуйста!")


def _introduce(request: SkillRequest) -> str:
    me = request.localize(
        f"I am the sandbox's demo model; my name here is `{request.context.model}`. I am a set of "
        "rules that imitates a language model, so that you can try everything else without an "
        "account.",
        f"Я демо-модель песочницы, здесь меня зовут `{request.context.model}`. Я набор правил, "
        "который изображает языковую модель, чтобы всё остальное можно было попробовать без "
        "аккаунтов.",
    )
    instruction = _get_first_instruction(request)
    if not instruction:
        return me
    return f"{me}\n\n" + request.localize(
        f"My instructions begin with: “{instruction}”",
        f"Мои инструкции начинаются так: «{instruction}»",
    )


def _fall_back(request: SkillRequest) -> str:
    asked = _shorten(request.text, _MAX_REQUEST_LENGTH)
    answer = request.localize(
        f"I am only the sandbox's rule-based demo model, and I have no rule for “{asked}”. "
        "A real model would answer here.",
        f"Я всего лишь демо-модель песочницы, и правила для «{asked}» у меня нет. "
        "Здесь ответила бы настоящая модель.",
    )
    instruction = _get_first_instruction(request)
    if instruction:
        answer += request.localize(
            f"\n\nIt would follow my instructions: “{instruction}”",
            f"\n\nОна следовала бы моим инструкциям: «{instruction}»",
        )
    if not request.context.tools:
        return answer
    able = request.localize("I can do this:", "Я умею вот что:")
    return f"{answer}\n\n{able}\n\n{render_suggestions(request.context)}"


def _get_first_instruction(request: SkillRequest) -> str:
    found = _FIRST_SENTENCE.match(request.context.instructions.strip())
    return _shorten(found[0], _MAX_INSTRUCTION_LENGTH) if found else ""


def _shorten(text: str, max_length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= max_length else f"{line[:max_length].rstrip()}…"


GREETING = Skill(matches_any(_GREETING), _greet, can_start_mid_message=False)
HELP = Skill(matches_any(_HELP), _help)
THANKS = Skill(_is_thanks, _welcome, can_start_mid_message=False)
IDENTITY = Skill(matches_any(_IDENTITY), _introduce)
FALLBACK = Skill(lambda _: True, _fall_back, can_start_mid_message=False)
