import pytest

from control import dotenv
from control.errors import ControlError


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("  export NAME = value ", "value"),
        ("NAME=", ""),
        ("NAME= # nothing yet", ""),
        ("NAME=value # why", "value"),
        ("NAME=a#b", "a#b"),
        ("NAME=a=b", "a=b"),
        ('NAME="a # b" # why', "a # b"),
        ("NAME='a \"b\"'", 'a "b"'),
        (r'NAME="a \"b\" c\\d"', 'a "b" c\\d'),
        ("NAME=привет", "привет"),
    ],
)
def test_lines_are_parsed_like_other_env_readers(line: str, value: str) -> None:
    assert dotenv.parse(line, ".env") == {"NAME": value}


def test_comments_and_empty_lines_are_ignored() -> None:
    assert dotenv.parse("# A=1\n\n   \n  # B=2\n", ".env") == {}


@pytest.mark.parametrize("line", ["no equals sign", "1NAME=x", "NA ME=x", "=x"])
def test_broken_line_is_reported_by_number(line: str) -> None:
    with pytest.raises(ControlError, match=r"\.env, line 3 .*expected NAME=value"):
        dotenv.parse(f"A=1\n\n{line}\n", ".env")


def test_error_does_not_repeat_a_value() -> None:
    with pytest.raises(ControlError) as caught:
        dotenv.parse("TELEGRAM TOKEN=123:secret", ".env")
    assert "secret" not in str(caught.value)


def test_unterminated_quotation_is_reported() -> None:
    with pytest.raises(ControlError, match=r"line 1 \(NAME\): the closing \" is missing"):
        dotenv.parse('NAME="value', ".env")
