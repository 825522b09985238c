"""Reminders and scheduled prompts: create one."""

import re

from sandbox.llm.skill import Skill, SkillRequest, SkillScript, build_matcher
from sandbox.llm.skills.reminder_times import build_time_arguments
from sandbox.llm.time_expressions import TimeExpression, find_time_expression
from sandbox.llm.time_expressions.unclear_time import find_missing_times, find_unclear_time
from sandbox.llm.time_expressions.vocabulary import MONTH_PATTERN, WEEKDAY_PATTERN

_REMINDER_TRIGGER = re.compile(
    r"(?i)\b(?:please\s+)?(?:can you\s+|could you\s+)?remind(?:\s+(?:me|us))?\b"
    r"|\b(?:ping|nudge)\s+me\b|\bdon'?t let me forget\b|\bwake me(?: up)?\b"
    r"|\b(?:set|create|add|make|give)\s+(?:me\s+)?(?:a|an|another)?\s*(?:reminder|alarm)\b"
    r"|^\W*(?:an?\s+)?(?:reminder|alarm)\b"
    r"|\bнапомни(?:те|ть)?(?:\s+мне)?\b|\bнапоминай(?:те)?(?:\s+мне)?\b"
    r"|\bне да(?:й|йте)(?:\s+мне)? забыть\b|\bразбуди(?:те)?(?:\s+меня)?\b|\bбуди(?:\s+меня)?\b"
    r"|\b(?:поставь|создай|добавь|сделай|заведи)\s+(?:мне\s+)?(?:напоминание|будильник)\b"
    r"|^\W*(?:напоминание|будильник)\b"
)
_PROMPT_VERB = (
    r"(?:tell|send|give(?! me an? (?:reminder|alarm))|check|write|show|report|ask|list|read"
    r"|summari[sz]e|присылай|рассказывай|говори|сообщай|проверяй|пиши|показывай|отправляй|спрашивай"
    r"|пришли|расскажи|скажи|сообщи|проверь|напиши|покажи|отправь)(?:те)?\b"
)
_STARTS_WITH_PROMPT_VERB = re.compile(rf"(?i)^\W*(?:please\s+|пожалуйста,?\s+)?{_PROMPT_VERB}")
_WAKE_UP_TRIGGER = re.compile(r"(?i)\bwake me|\balarm\b|\b(?:раз)?буди|\bбудильник\b")
_ENGLISH_NAME = re.compile(rf"(?i)(?=[a-z])(?:{WEEKDAY_PATTERN}|{MONTH_PATTERN})\b")
_FOR_TIME = re.compile(
    r"(?i)(?<=alarm )(?:for|to) (?=\d)|(?<=будильник )на (?=\d)"
    r"|\bна (?=\d{1,2}(?::\d\d)?(?:$|:? |,| (?:утра|дня|вечера)))"
)
_LEADING_WORDS = re.compile(
    r"(?i)^(?:[\s,:—-]|(?:to|that|about|of|for|please|and|again|чтобы|о том|что|пожалуйста"
    r"|ещё раз|снова)[\s,])+"
)
_TRAILING_WORDS = re.compile(r"(?i)(?:[\s,.!?:;—-]|\b(?:please|пожалуйста))+$")


def _create(request: SkillRequest) -> SkillScript:
    tool = request.require_tool("create_reminder")
    when = _find_time(request)
    if when is None:
        return request.localize(
            "When should I remind you? For example: “Remind me in 20 seconds to stretch”.",
            "Когда напомнить? Например: «Напомни через 20 секунд размяться».",
        )
    unclear = _find_unclear_part(when)
    if unclear:
        return request.localize(
            f"I do not understand “{unclear}”, so I have planned nothing. Please name the time in"
            " another way, for example “every day at 8:30” or “on 5 December at 9”.",
            f"Не понимаю «{unclear}», поэтому ничего не запланировал. Назовите время иначе,"
            " например «каждый день в 8:30» или «5 декабря в 9».",
        )
    text = _extract_text(request, when.remaining_text)
    if not text:
        return request.localize(
            "What should I remind you of? For example: “Remind me tomorrow at 9 to call Ann”.",
            "О чём напомнить? Например: «Напомни завтра в 9 позвонить Ане».",
        )
    is_reminder = _REMINDER_TRIGGER.search(request.text) is not None
    yield from request.call_tool(
        tool, text=text, **build_time_arguments(when), prompt=None if is_reminder else True
    )
    en, ru = ("I will remind you ", "напомню ") if is_reminder else ("", "")
    phrase = _continue_sentence(when.phrase)
    return request.localize(
        f"All right, {en}{phrase}: “{text}”.", f"Хорошо, {ru}{phrase}: «{text}»."
    )


def _continue_sentence(phrase: str) -> str:
    """Return a time phrase as written inside a sentence: “Every day” becomes “every day”."""
    if _ENGLISH_NAME.match(phrase):
        return phrase
    return phrase[:1].lower() + phrase[1:]


def _find_time(request: SkillRequest) -> TimeExpression | None:
    text = _FOR_TIME.sub(request.localize("at ", "в "), request.text)
    return find_time_expression(text, request.context.now)


def _find_unclear_part(when: TimeExpression) -> str:
    """Return what looks like a time and was not understood, or ""."""
    rest = _REMINDER_TRIGGER.sub(" ", when.remaining_text, count=1).strip()
    has_day = when.has_day or when.is_recurring
    return find_unclear_time(rest, has_day=has_day) or find_missing_times(when.phrase, when.cron)


def _extract_text(request: SkillRequest, remaining_text: str) -> str:
    """Return the reminder's text in the user's words."""
    text = _REMINDER_TRIGGER.sub(" ", remaining_text, count=1).strip() + " "
    text = " ".join(_LEADING_WORDS.sub("", text).split())
    text = _TRAILING_WORDS.sub("", text)
    if not text and _WAKE_UP_TRIGGER.search(request.text):
        return request.localize("Wake up!", "Подъём!")
    return text


def _is_scheduled_prompt(request: SkillRequest) -> bool:
    """Return whether something is to be done again and again, or later: “tomorrow at 8 tell me …”.

    Other requests with a time ask about it: “tell me the weather tomorrow”.
    """
    when = find_time_expression(request.text, request.context.now)
    if when is None or not _STARTS_WITH_PROMPT_VERB.search(when.remaining_text):
        return False
    is_first = _STARTS_WITH_PROMPT_VERB.search(request.text) is None
    return when.is_recurring or (is_first and (when.has_time or when.in_seconds is not None))


CREATE_REMINDER = Skill(build_matcher(_REMINDER_TRIGGER), _create)
SCHEDULE_PROMPT = Skill(_is_scheduled_prompt, _create, takes_rest_of_sentence=True)
