"""A model's Markdown as rich messages, where only they can show what is in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog

from .blocks import Block, needs_blocks, to_blocks
from .buttons import Button
from .formatted import Formatted
from .limits import Size, measure
from .markdown import render
from .source import prepare
from .tree import Node, read_tree

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Piece:
    """A message: blocks, and the text that says the same where they cannot be shown."""

    text: Formatted
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Letter:
    """All that is to be said, however long: as text alone, and as rich messages.

    `rich` is empty where text alone shows everything.
    """

    text: Formatted
    rich: tuple[Piece, ...] = ()
    buttons: tuple[Button, ...] = ()
    """Under the last message; only of text."""

    def followed_by(self, text: str) -> "Letter":
        """With lines under it. In a message of their own under a rich one, because a reader whose
        Telegram is too old for that sees nothing of it, and nobody is told."""
        below = (Piece(Formatted(text)),) if self.rich else ()
        return Letter(self.text.followed_by(text), (*self.rich, *below))


def render_letter(markdown: str) -> Letter:
    """Both forms of an answer."""
    text = render(markdown)
    try:
        return Letter(text, _pieces(markdown, text))
    except ValueError:  # nested too deeply for any message
        return Letter(text)
    except Exception:  # whatever the parser trips over, the person gets the answer
        log.exception("markdown could not become blocks")
        return Letter(text)


def _pieces(markdown: str, text: Formatted) -> tuple[Piece, ...]:
    """None where text alone shows everything, or where a block is too large for any message."""
    source = prepare(markdown)
    nodes = read_tree(source)
    if not needs_blocks(nodes):
        return ()
    parts = [*_parts(nodes)]
    if not parts or not all(measure(blocks).fits for _, blocks in parts):
        return ()
    if len(parts) == 1:
        return (Piece(text, parts[0][1]),)
    written = source.encode()
    ends = [*(start for start, _ in parts[1:]), len(written)]
    return tuple(
        Piece(render(written[start:end].decode()), blocks)
        for (start, blocks), end in zip(parts, ends, strict=True)
    )


def _parts(nodes: Sequence[Node]) -> Iterator[tuple[int, tuple[Block, ...]]]:
    """As many blocks together as a message takes, with the place in the source of the first."""
    start, blocks, size = 0, list[Block](), Size()
    for node in nodes:
        more = [*to_blocks([node])]
        grown = size.plus(measure(more))
        if blocks and not grown.fits:
            yield start, tuple(blocks)
            start, blocks, grown = node.start, [], measure(more)
        blocks += more
        size = grown
    if blocks:
        yield start, tuple(blocks)
