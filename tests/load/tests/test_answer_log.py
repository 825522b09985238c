"""The log of answers notices every fault of a bot."""

from tests.load.fakes.answer_log import AnswerLog, LoadResult

ALICE, BOB = 1, 2


def make_log() -> AnswerLog:
    """Return a log that begins at 100 s, with questions 1 and 2 of Alice, and 3 of Bob."""
    log = AnswerLog(begin=100.0)
    for person, number in ((ALICE, 1), (ALICE, 2), (BOB, 3)):
        log.add_question(person, number, at=100.0 + number)
    return log


def summarize(log: AnswerLog) -> tuple[int, int, int, int, int]:
    """Return the faults."""
    found = log.summarize({})
    return (found.lost, found.duplicated, found.out_of_order, found.misdirected, found.unexpected)


def test_answered_questions_have_response_times() -> None:
    log = make_log()
    for person, number, at in ((ALICE, 1, 101.5), (BOB, 3, 104.0), (ALICE, 2, 107.0)):
        assert log.add_answer(person, number, at)
    assert log.pending == 0
    result = log.summarize({"sendMessage": 3})
    assert result.response_times == [0.5, 1.0, 5.0]
    assert (result.sent, result.seconds) == (3, 7.0)
    assert summarize(log) == (0, 0, 0, 0, 0)


def test_question_without_answer_is_lost() -> None:
    log = make_log()
    log.add_answer(ALICE, 1, 102.0)
    assert log.pending == 2
    assert summarize(log) == (2, 0, 0, 0, 0)


def test_second_answer_is_a_duplicate_and_has_no_response_time() -> None:
    log = make_log()
    log.add_answer(BOB, 3, 104.0)
    assert not log.add_answer(BOB, 3, 109.0)
    assert log.summarize({}).response_times == [1.0]
    assert summarize(log) == (2, 1, 0, 0, 0)


def test_earlier_question_answered_later_is_out_of_order() -> None:
    log = make_log()
    log.add_answer(ALICE, 2, 103.0)
    log.add_answer(BOB, 3, 103.0)
    assert log.add_answer(ALICE, 1, 104.0)
    assert summarize(log) == (0, 0, 1, 0, 0)


def test_order_between_people_does_not_matter() -> None:
    log = make_log()
    log.add_answer(BOB, 3, 103.0)
    log.add_answer(ALICE, 1, 104.0)
    log.add_answer(ALICE, 2, 105.0)
    assert summarize(log) == (0, 0, 0, 0, 0)


def test_answer_in_another_chat_does_not_answer_the_question() -> None:
    log = make_log()
    assert not log.add_answer(BOB, 1, 102.0)
    assert summarize(log) == (3, 0, 0, 1, 0)


def test_message_without_a_number_is_unexpected() -> None:
    log = make_log()
    assert not log.add_answer(ALICE, None, 102.0)
    assert summarize(log) == (3, 0, 0, 0, 1)


def test_late_answer_to_an_earlier_load_is_ignored() -> None:
    log = make_log()
    assert not log.add_answer(ALICE, 77, 102.0)
    assert summarize(log) == (3, 0, 0, 0, 0)


def test_result_survives_its_way_as_json() -> None:
    result = LoadResult(sent=2, samples=[(0.0, 0.5)], lost=1, calls={"model": 2})
    as_json = {**vars(result), "samples": [[0.0, 0.5]]}
    assert LoadResult.from_json(as_json) == result
