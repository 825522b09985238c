"""Time expressions in English and Russian."""

from sandbox.llm.time_expressions.time_expression import TimeExpression, find_time_expression

__all__ = ["TimeExpression", "find_time_expression"]
