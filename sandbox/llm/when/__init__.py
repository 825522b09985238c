"""When something shall happen, as people say it in English and Russian."""

from sandbox.llm.when.phrase import TimeExpression, find_time_expression

__all__ = ["TimeExpression", "find_time_expression"]
