"""Arithmetic expressions and percentages."""

import ast
import operator
import re
from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation, localcontext

from sandbox.llm.skill import Skill, SkillRequest

_EXPRESSION = re.compile(
    r"(?<![\w.-])[-(\s]*\d[\d\s.,()]*(?:(?:\*\*|//|[-+*/×·÷−^%])[\s(]*-?[\s(]*\d[\d\s.,()]*)+"
)
_PERCENT = re.compile(
    r"(\d+(?:[.,]\d+)?)\s*(?:%|percent|процент\w*)\s*(?:of|от)\s*(\d+(?:[.,]\d+)?)", re.IGNORECASE
)
_NOT_AN_EXPRESSION = re.compile(r"\d{4}-\d\d-\d\d|^\s*\d{1,2}:\d\d\s*$|\d{1,2}\.\d{1,2}\.\d{4}")
_OPERATOR_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "^": "**"})
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
_MAX_EXPONENT = 1000


class _NotComputable(Exception):
    """The expression is too large or not arithmetic."""


def _find_expression(text: str) -> tuple[str, str] | None:
    """Return the expression as it was written, and as a Python expression."""
    percent = _PERCENT.search(text)
    if percent:
        share, whole = (part.replace(",", ".") for part in percent.groups())
        return percent[0], f"{whole}*{share}/100"
    if _NOT_AN_EXPRESSION.search(text):
        return None
    found = _EXPRESSION.search(text)
    if found is None:
        return None
    expression = found[0].strip(" .,")
    return expression, re.sub(r"(?<=\d),(?=\d)", ".", expression).translate(
        _OPERATOR_SIGNS
    ).replace(" ", "")


def _start(request: SkillRequest) -> str:
    found = _find_expression(request.text)
    assert found is not None, "the skill matches only texts with an expression"
    expression, formula = found
    try:
        value = _compute(ast.parse(formula, mode="eval").body)
    except (DivisionByZero, ZeroDivisionError):
        return request.localize("Division by zero is not possible.", "На ноль делить нельзя.")
    except (_NotComputable, SyntaxError, InvalidOperation, ArithmeticError, RecursionError):
        return request.localize(
            f"I cannot compute “{expression}”.", f"Не могу вычислить «{expression}»."
        )
    return f"{expression} = **{_format_number(value)}**"


def _compute(node: ast.AST) -> Decimal:
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
        if isinstance(node.op, ast.Pow) and abs(right) > _MAX_EXPONENT:
            raise _NotComputable
        return _OPERATORS[type(node.op)](left, right)
    raise _NotComputable


def _format_number(value: Decimal) -> str:
    text = f"{value:.10g}" if abs(value) >= 10**15 else f"{round(value, 10):f}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


ARITHMETIC = Skill(lambda request: _find_expression(request.text) is not None, _start)
