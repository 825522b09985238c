import pytest

from tg_bot.src.texts.datetimes import describe_recurrence
from tg_bot.src.texts.translations import get_translation


@pytest.mark.parametrize(
    ("expression", "english", "russian"),
    [
        ("* * * * *", "every minute", "каждую минуту"),
        ("5 * * * *", "hourly", "каждый час"),
        ("0 9 * * *", "daily", "ежедневно"),
        ("0  9 * * 1-5", "on weekdays", "по будням"),
        ("0 9 * * mon-fri", "on weekdays", "по будням"),
        ("0 9 * * 6,0", "at weekends", "по выходным"),
        ("0 9 * * 7", "weekly", "еженедельно"),
        ("0 9 * * FRI", "weekly", "еженедельно"),
        ("0 9 1 * *", "monthly", "ежемесячно"),
        ("0 9 24 12 *", "yearly", "ежегодно"),
        ("*/15 * * * *", "every 15 minutes", "каждые 15 минут"),
        ("0 */2 * * *", "every 2 hours", "каждые 2 часа"),
        ("0 */21 * * *", "every 21 hours", "каждый 21 час"),
        ("0 9,18 * * *", "repeating: 0 9,18 * * *", "повторяется: 0 9,18 * * *"),
        ("0 9 1 * 1", "repeating: 0 9 1 * 1", "повторяется: 0 9 1 * 1"),
    ],
)
def test_cron_expressions_are_described(expression: str, english: str, russian: str) -> None:
    assert describe_recurrence(expression, get_translation("en")) == english
    assert describe_recurrence(expression, get_translation("ru")) == russian
