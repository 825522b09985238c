"""Sums that are written with digits."""

import ast
import operator
import re
from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation, localcontext

from sandbox.llm.skill import Request, Skill

_SUM = re.compile(
    r"(?<![\w.-])[-(\s]*\d[\d\s.,()]*(?:(?:\*\*|//|[-+*/×·÷−^%])[\s(]*-?[\s(]*\d[\d\s.,()]*)+"
)
_PERCENT = re.compile(
    r"(\d+(?:[.,]\d+)?)\s*(?:%|percent|процент\w*)\s*(?:of|от)\s*(\d+(?:[.,]\d+)?)", re.IGNORECASE
)
_NOT_A_SUM = re.compile(r"\d{4}-\d\d-\d\d|^\s*\d{1,2}:\d\d\s*$|\d{1,2}\.\d{1,2}\.\d{4}")
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "^": "**"})
_OPERATORS: dict[type[ast.AST], Callable[..., Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_GREATEST_POWER = 1000


class _NotCountable(Exception):
    """The sum is too large, or none."""


def _takes(request: Request) -> bool:
    return _found(request.text) is not None


def _found(text: str) -> tuple[str, str] | None:
    """The sum as it stands, and as Python writes it."""
    percent = _PERCENT.search(text)
    if percent:
        share, whole = (part.replace(",", ".") for part in percent.groups())
        return percent[0], f"{whole}*{share}/100"
    if _NOT_A_SUM.search(text):
        return None
    found = _SUM.search(text)
    if found is None:
        return None
    written = found[0].strip(" .,")
    return written, re.sub(r"(?<=\d),(?=\d)", ".", written).translate(_SIGNS).replace(" ", "")


def _begin(request: Request) -> str:
    found = _found(request.text)
    assert found is not None, "asked only after _takes"
    written, formula = found
    try:
        value = _value(ast.parse(formula, mode="eval").body)
    except (DivisionByZero, ZeroDivisionError):
        return request.say("One cannot divide by zero.", "На ноль делить нельзя.")
    except (_NotCountable, SyntaxError, InvalidOperation, ArithmeticError, RecursionError):
        return request.say(f"I cannot compute “{written}”.", f"Не могу вычислить «{written}».")
    return f"{written} = **{_shown(value)}**"


def _value(node: ast.AST) -> Decimal:
    with localcontext() as context:
        context.prec = 28
        return _evaluate(node)


def _evaluate(node: ast.AST) -> Decimal:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Decimal(str(node.value))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluate(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _evaluate(node.left), _evaluate(node.right)
        if isinstance(node.op, ast.Pow) and abs(right) > _GREATEST_POWER:
            raise _NotCountable
        return _OPERATORS[type(node.op)](left, right)
    raise _NotCountable


def _shown(value: Decimal) -> str:
    text = f"{value:.10g}" if abs(value) >= 10**15 else f"{round(value, 10):f}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


ARITHMETIC = Skill(_takes, _begin)
