"""When something shall happen, as people say it in English and Russian."""

from sandbox.llm.when.phrase import When, find_when

__all__ = ["When", "find_when"]
