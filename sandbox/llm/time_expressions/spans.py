"""Spans: the parts of a text that have been understood."""

Span = tuple[int, int]


def blank_out(text: str, spans: tuple[Span, ...]) -> str:
    """Replace the spans by spaces, so that offsets stay valid."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text
