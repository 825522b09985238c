"""Renders a model's Markdown as text, and as rich messages if text cannot show all of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from smart_kit.contracts.queue import InlineButton

from .blocks import Block, RichMessageSize, measure, needs_rich_blocks, to_blocks
from .formatted_text import FormattedText, is_blank
from .markdown import render_markdown
from .markdown_source import Node, parse_tree, walk
from .sanitizer import sanitize_markdown

MAX_NODE_DEPTH = 60
"""Far deeper than Telegram allows."""

MAX_BUTTONS = 100
"""Telegram's limit for one message."""

MAX_LABEL_LENGTH = 32
"""Characters. Telegram's apps cut off longer labels without an ellipsis."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class MessagePart:
    """One message: blocks, and the same content as text. Without blocks it is sent as text."""

    text: FormattedText
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class RenderedMessage:
    """A reply of any length, as text and as rich messages."""

    text: FormattedText
    rich_parts: tuple[MessagePart, ...] = ()
    """Empty if text can show everything."""
    button_rows: tuple[tuple[InlineButton, ...], ...] = ()
    """Rows of buttons under the last message; only for text."""

    def append_paragraph(self, text: str) -> "RenderedMessage":
        """Return a copy with a further paragraph."""
        # a message of its own, because old Telegram apps show nothing of rich messages
        below = (MessagePart(FormattedText(text)),) if self.rich_parts else ()
        return RenderedMessage(self.text.append_paragraph(text), (*self.rich_parts, *below))


def render_message(markdown: str) -> RenderedMessage:
    """Render Markdown in both forms."""
    text = render_markdown(markdown)
    try:
        return RenderedMessage(text, _build_parts(markdown, text))
    except ValueError:  # HTML is nested too deeply
        return RenderedMessage(text)
    except Exception:  # an error of the parser must not lose the answer
        log.exception("rich message rendering failed")
        return RenderedMessage(text)


def _build_parts(markdown: str, text: FormattedText) -> tuple[MessagePart, ...]:
    """Return the rich messages; none if text shows everything or if a block is too large."""
    source = sanitize_markdown(markdown)
    nodes = parse_tree(source)
    if not needs_rich_blocks(nodes) or any(node.depth > MAX_NODE_DEPTH for node in walk(nodes)):
        return ()
    block_groups = [*_group_blocks(nodes)]
    if not block_groups or not all(measure(blocks).is_within_limits for _, blocks in block_groups):
        return ()
    if len(block_groups) == 1:
        return (MessagePart(text, block_groups[0][1]),)
    source_bytes = source.encode()
    ends = [*(start for start, _ in block_groups[1:]), len(source_bytes)]
    return tuple(
        MessagePart(render_markdown(source_bytes[start:end].decode()), blocks)
        for (start, blocks), end in zip(block_groups, ends, strict=True)
    )


def _group_blocks(nodes: Sequence[Node]) -> Iterator[tuple[int, tuple[Block, ...]]]:
    """Yield groups of blocks that fit in one message, with the source offset of the first."""
    start, blocks, size = 0, list[Block](), RichMessageSize()
    for node in nodes:
        more = [*to_blocks([node])]
        grown = size.combine(measure(more))
        if blocks and not grown.is_within_limits:
            yield start, tuple(blocks)
            start, blocks, grown = node.start, [], measure(more)
        blocks += more
        size = grown
    if blocks:
        yield start, tuple(blocks)


def button_to_json(button: InlineButton) -> dict[str, Any]:
    """Return the Bot API's `InlineKeyboardButton`."""
    return {"text": truncate_label(button.label), "callback_data": button.data}


def truncate_label(label: str) -> str:
    """Return the label in one line, shortened in the middle: names often differ at the end."""
    line = " ".join(label.split())
    if is_blank(line):  # Telegram would refuse the message
        return "…"
    if len(line) <= MAX_LABEL_LENGTH:
        return line
    half = MAX_LABEL_LENGTH // 2
    return f"{line[:half].rstrip()}…{line[1 - half :].lstrip()}"
