"""A storm over the whole suite breaks no promise; its ledger catches a system that keeps none."""

from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.storm.duplicates import SendLog, unexplained
from tests.chaos.storm.entry import Deeds, Entry
from tests.chaos.storm.hit import Hit
from tests.chaos.storm.ledger import Ledger
from tests.chaos.storm.message import FIRST_NUMBER, Heard, Kind, Said, text_of
from tests.chaos.storm.model import StormyModel
from tests.chaos.storm.naive import NaiveBot
from tests.chaos.storm.plan import Plan
from tests.chaos.storm.report import is_good, most_told, problems, table
from tests.chaos.storm.run import storm
from tests.chaos.storm.whole_suite import WholeSuite
from tg_bot.src.main import SLOTS
from tg_bot.src.texts.notices import NOTICES

BEGUN = 1_795_000_000
SORRY = NOTICES["model_unavailable"][0]


def said(*kinds: Kind, chat_id: int = 1) -> list[Said]:
    return [
        Said(FIRST_NUMBER + place, chat_id, kind, BEGUN + place) for place, kind in enumerate(kinds)
    ]


def heard(*texts: str, chat_id: int = 1) -> list[Heard]:
    return [
        Heard(100 + place, chat_id, BEGUN + 10 * place, text) for place, text in enumerate(texts)
    ]


def answer(place: int, receipt: str = "") -> str:
    return f"That is {FIRST_NUMBER + place}. {receipt}"


def once(*places: int) -> Deeds:
    made = {FIRST_NUMBER + place: 1 for place in places}
    return Deeds(made, made)


def numbers(entries: list[Entry]) -> list[int]:
    return [entry.said.number - FIRST_NUMBER for entry in entries]


def test_a_ledger_in_order_has_nothing_to_say() -> None:
    ledger = Ledger(
        said("sum", "task", "alarm"),
        heard(answer(0), answer(1, "✓"), answer(2, "✓"), f"⏰ item {FIRST_NUMBER + 2}"),
        once(1, 2),
    )

    assert not ledger.lost
    assert not ledger.inverted
    assert not ledger.doubled
    assert not ledger.undone
    assert not ledger.silent
    assert not ledger.repeats
    assert not ledger.strange


def test_a_message_without_an_answer_is_lost() -> None:
    ledger = Ledger(said("sum", "sum", "sum"), heard(answer(0), answer(2)), Deeds())

    assert numbers(ledger.lost) == [1]


def test_an_answer_in_another_chat_is_none() -> None:
    ledger = Ledger(said("sum"), heard(answer(0), chat_id=2), Deeds())

    assert numbers(ledger.lost) == [0]
    assert len(ledger.strange) == 1


def test_an_answer_that_comes_too_late_is_out_of_order() -> None:
    ledger = Ledger(said("sum", "sum", "sum"), heard(answer(0), answer(2), answer(1)), Deeds())

    assert [one.number for one in ledger.inverted] == [FIRST_NUMBER + 1]


def test_a_repeated_answer_has_to_keep_its_place_too() -> None:
    ledger = Ledger(said("sum", "sum"), heard(answer(0), answer(1), answer(0)), Deeds())

    assert len(ledger.inverted) == 1


def test_an_answer_or_a_reminder_that_comes_twice_is_a_copy() -> None:
    alarm = f"⏰ item {FIRST_NUMBER + 1}"
    texts = (answer(0), answer(0), answer(1, "✓"), alarm, alarm)
    ledger = Ledger(said("sum", "alarm"), heard(*texts), once(1))

    assert [one[0].number for one in ledger.repeats] == [FIRST_NUMBER, FIRST_NUMBER + 1]
    assert not ledger.inverted


@pytest.mark.parametrize("deeds", [Deeds({FIRST_NUMBER: 2}, {FIRST_NUMBER: 1})])
def test_what_was_made_twice_is_doubled(deeds: Deeds) -> None:
    ledger = Ledger(said("task"), heard(answer(0, "✓")), deeds)

    assert numbers(ledger.doubled) == [0]


@pytest.mark.parametrize(
    ("receipt", "deeds"),
    [("✓", Deeds()), ("", once(0)), ("✓", Deeds({FIRST_NUMBER: 1}, {}))],
    ids=["claimed", "not told", "without a record"],
)
def test_what_is_told_has_to_be_what_was_done(receipt: str, deeds: Deeds) -> None:
    assert numbers(Ledger(said("task"), heard(answer(0, receipt)), deeds).undone) == [0]


def test_who_is_told_that_there_is_no_answer_has_to_be_told_what_was_done() -> None:
    assert numbers(Ledger(said("task"), heard(SORRY), once(0)).undone) == [0]
    assert not Ledger(said("task"), heard(SORRY), Deeds()).undone
    ledger = Ledger(said("task"), heard(f"{SORRY} ✓ {FIRST_NUMBER}"), once(0))
    assert not ledger.undone
    assert numbers(ledger.told) == [0]


def test_a_receipt_without_an_answer_has_to_be_true() -> None:
    ledger = Ledger(said("task"), heard(f"{SORRY} ✓"), Deeds())

    assert numbers(ledger.undone) == [0]


@pytest.mark.parametrize(
    ("receipt", "deeds"),
    [("✓", Deeds()), ("", Deeds({FIRST_NUMBER: 1}, {})), ("", Deeds({}, {FIRST_NUMBER: 1}))],
    ids=["claimed", "a row", "a record"],
)
def test_who_has_asked_for_words_gets_nothing_else(receipt: str, deeds: Deeds) -> None:
    assert numbers(Ledger(said("sum"), heard(answer(0, receipt)), deeds).undone) == [0]


def test_a_reminder_that_never_comes_is_missed() -> None:
    assert numbers(Ledger(said("alarm"), heard(answer(0, "✓")), once(0)).silent) == [0]


def test_who_is_told_that_there_is_no_answer_is_not_lost() -> None:
    texts = (answer(0), SORRY, answer(2), SORRY)
    ledger = Ledger(said("sum", "sum", "sum", "sum", "sum"), heard(*texts), Deeds())

    assert numbers(ledger.told) == [1, 3]
    assert numbers(ledger.lost) == [4]


def test_a_word_of_sorrow_out_of_its_place_helps_nobody() -> None:
    ledger = Ledger(said("sum", "sum"), heard(SORRY, answer(0)), Deeds())

    assert numbers(ledger.lost) == [1]
    assert len(ledger.strange) == 1


def test_who_is_told_so_twice_has_one_answer_less_and_a_copy_more() -> None:
    ledger = Ledger(said("sum", "sum"), heard(SORRY, SORRY, SORRY, answer(1)), Deeds())

    assert numbers(ledger.told) == [0]
    assert [len(one) for one in ledger.repeats] == [3]
    assert not ledger.strange


@pytest.mark.parametrize(("seconds", "is_explained"), [(-5, False), (1, True), (8, False)])
def test_a_copy_is_explained_by_a_sender_that_died_while_it_sent(
    seconds: float, is_explained: bool
) -> None:
    at, copies = BEGUN + seconds, heard(answer(0), answer(0))
    hits = [Hit("kill", at, at, "tg_bot")]

    assert unexplained([copies], hits, SendLog()) == ([] if is_explained else copies[1:])


def twice(chat_id: int, place: int = 0, seconds: float = 10) -> list[Heard]:
    """Something that was said at BEGUN, and again so many seconds later."""
    number, text = 100 * chat_id + 2 * place, answer(chat_id + place)
    return [
        Heard(number, chat_id, BEGUN, text),
        Heard(number + 1, chat_id, BEGUN + int(seconds), text),
    ]


DEATH = Hit("kill", BEGUN + 1, BEGUN + 1, "tg_bot")


def test_one_death_explains_one_copy_of_a_message() -> None:
    copies = heard(*[answer(0)] * 7)
    close = [Heard(one.message_id, 1, BEGUN + place // 3, "") for place, one in enumerate(copies)]

    assert len(unexplained([copies], [DEATH], SendLog())) == 5
    assert len(unexplained([close], [DEATH], SendLog())) == 5


def test_one_death_explains_one_copy_in_each_chat() -> None:
    repeats = [twice(1, place) for place in range(40)]

    assert len(unexplained(repeats, [DEATH], SendLog())) == 39
    assert not unexplained([twice(chat) for chat in range(SLOTS)], [DEATH], SendLog())
    assert len(unexplained([twice(chat) for chat in range(SLOTS + 3)], [DEATH], SendLog())) == 3


@pytest.mark.parametrize(("seconds", "is_explained"), [(0, False), (89, True), (300, False)])
def test_a_copy_comes_after_the_hit_and_soon(seconds: float, is_explained: bool) -> None:
    assert bool(unexplained([twice(1, 0, seconds)], [DEATH], SendLog())) != is_explained


@pytest.mark.parametrize(("at", "is_explained"), [(BEGUN + 1, True), (BEGUN - 30, False)])
def test_what_redis_could_not_be_told_is_in_flight_for_longer(
    at: float, is_explained: bool
) -> None:
    late = Hit("kill", BEGUN + 12, BEGUN + 12, "tg_bot")
    outages = [Hit("stop", at, at + 10, "redis")]

    assert unexplained([twice(1, 0, 40)], [late], SendLog()) == twice(1, 0, 40)[1:]
    assert bool(unexplained([twice(1, 0, 40)], [late], SendLog(), outages)) != is_explained


def test_a_lost_answer_is_used_for_the_copy_that_no_hit_explains() -> None:
    first, copy = twice(1)
    copies = [first, copy, Heard(copy.message_id + 1, 1, copy.at + 5, copy.text)]
    log = SendLog({first.message_id: "reply:7"}, Counter({"reply:7": 1}))

    assert not unexplained([copies], [DEATH], log)
    assert len(unexplained([copies], [], log)) == 1


@pytest.mark.parametrize(
    ("lost", "explained"), [({"reply:7": 2}, 2), ({"reply:7": 1}, 1), ({"reply:8": 2}, 0)]
)
def test_a_copy_is_explained_by_its_own_lost_answer_and_by_no_other(
    lost: dict[str, int], explained: int
) -> None:
    copies = heard(answer(0), answer(0), answer(0))
    log = SendLog({102: "reply:7"}, Counter(lost))

    assert len(unexplained([copies], [], log)) == 2 - explained


def test_a_seed_says_what_happens() -> None:
    plan = Plan(minutes=20, seed=7)

    assert plan.moments() == Plan(minutes=20, seed=7).moments()
    assert plan.strikes() == Plan(minutes=20, seed=7).strikes() != Plan(20, 8).strikes()
    assert len(plan.moments()) == 3000
    assert {moment.person for moment in plan.moments()} == set(range(40))


@pytest.mark.parametrize(
    ("blow", "least"), [("kill", 150), ("kill redis", 10), ("kill postgres", 5), ("stop", 20)]
)
def test_twenty_minutes_bring_as_much_as_is_promised(blow: str, least: int) -> None:
    assert sum(strike.blow == blow for strike in Plan().strikes()) >= least


def test_few_may_be_told_that_there_is_no_answer() -> None:
    assert most_told(Ledger((Said(one, 1, "sum", BEGUN) for one in range(3000)), [], Deeds())) == 30
    assert most_told(Ledger((Said(one, 1, "sum", BEGUN) for one in range(60)), [], Deeds())) == 5


def test_every_message_bears_its_number_and_no_other() -> None:
    for kind in Plan.kinds:
        assert Heard(1, 1, 0, text_of(kind, FIRST_NUMBER)).number == FIRST_NUMBER


@pytest.mark.e2e
def test_the_suite_survives_a_storm(tmp_path: Path) -> None:
    plan = Plan(minutes=0.7, seed=5, messages=120, chats=8)
    with StormyModel(plan.seed) as model:
        outcome = storm(WholeSuite(tmp_path / "suite", model.url), plan, model, tmp_path)

    assert is_good(outcome), f"{table(outcome)}\nThe evidence is in {tmp_path}"
    assert len(outcome.hits_of("kill")) >= 6
    assert outcome.hits_of("kill redis")
    assert outcome.hits_of("kill postgres")
    assert outcome.hits_of("stop")


@pytest.mark.e2e
def test_a_naive_bot_does_not(tmp_path: Path) -> None:
    plan = Plan(minutes=0.7, seed=5, messages=120, chats=8, kinds=NaiveBot.kinds)
    with StormyModel(plan.seed) as model:
        outcome = storm(NaiveBot(tmp_path / "suite", model.url), plan, model, tmp_path)

    assert problems(outcome)["lost"] > 0, table(outcome)
    assert problems(outcome)["out of order"] > 0, table(outcome)
