"""A model's Markdown as rich messages, where only they can show what is in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog

from .blocks import Block, needs_rich_blocks, to_blocks
from .buttons import Button
from .formatted_text import FormattedText
from .limits import RichMessageSize, measure
from .markdown import render_markdown
from .sanitizer import sanitize_markdown
from .tree import Node, parse_tree

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class MessagePart:
    """A message: blocks, and the text that says the same where they cannot be shown."""

    text: FormattedText
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class RenderedMessage:
    """All that is to be said, however long: as text alone, and as rich messages.

    `rich` is empty where text alone shows everything.
    """

    text: FormattedText
    rich_parts: tuple[MessagePart, ...] = ()
    buttons: tuple[Button, ...] = ()
    """Under the last message; only of text."""

    def append_paragraph(self, text: str) -> "RenderedMessage":
        """With lines under it. In a message of their own under a rich one, because a reader whose
        Telegram is too old for that sees nothing of it, and nobody is told."""
        below = (MessagePart(FormattedText(text)),) if self.rich_parts else ()
        return RenderedMessage(self.text.append_paragraph(text), (*self.rich_parts, *below))


def render_message(markdown: str) -> RenderedMessage:
    """Both forms of an answer."""
    text = render_markdown(markdown)
    try:
        return RenderedMessage(text, _build_parts(markdown, text))
    except ValueError:  # nested too deeply for any message
        return RenderedMessage(text)
    except Exception:  # whatever the parser trips over, the person gets the answer
        log.exception("rich message rendering failed")
        return RenderedMessage(text)


def _build_parts(markdown: str, text: FormattedText) -> tuple[MessagePart, ...]:
    """None where text alone shows everything, or where a block is too large for any message."""
    source = sanitize_markdown(markdown)
    nodes = parse_tree(source)
    if not needs_rich_blocks(nodes):
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
    """As many blocks together as a message takes, with the place in the source of the first."""
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
