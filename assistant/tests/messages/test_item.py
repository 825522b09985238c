"""The JSON of a message."""

import math

import pytest

from assistant.src.messages.item import encode_json


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_does_not_have_are_never_written(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_json({"a": [number]})
