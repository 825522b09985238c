"""Conversion of rich Markdown to rich HTML.

The dialect is GitHub's with marked text, spoilers, formulas and footnotes.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from sandbox.telegram.rich.html_tree import BLOCK_TAGS

_OPTIONS = {"html": True, "strikethrough_single_tilde": True, "maxNesting": 100}
"""The parser drops text nested deeper than `maxNesting`; Telegram refuses more than 16 levels."""
_PAIR_TAGS = {"=": "mark", "|": "tg-spoiler"}
_TAG = re.compile(r"(</?[a-zA-Z][^<>]*>)")
_BLOCK_TAG = re.compile(rf"<(?:{'|'.join(sorted(BLOCK_TAGS - {'img'}))})\b", re.IGNORECASE)
_RAW_HTML_BLOCK = re.compile(r"\s*<(?:pre|tg-math)", re.IGNORECASE)


def markdown_to_html(source: str) -> str:
    """Return the message as rich HTML; HTML in the source stays."""
    html: str = _PARSER.render(source)
    return html


class _Renderer(RendererHTML):
    """Renders Telegram's tags where they differ from standard HTML."""

    def heading_open(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        """Drop a heading without text, as Telegram does."""
        return f"<{tokens[index].tag}>" if tokens[index + 1].content else "<!--"

    def heading_close(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        return f"</{tokens[index].tag}>" if tokens[index - 1].content else "-->"

    def paragraph_open(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        """Render no `<p>` around a block (media, a formula, a table)."""
        return "" if tokens[index].hidden or _has_block(tokens[index + 1]) else "<p>"

    def paragraph_close(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        return "" if tokens[index].hidden or _has_block(tokens[index - 1]) else "</p>"

    def fence(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        content = escape(tokens[index].content)
        language = "".join(tokens[index].info.split()[:1])
        if language == "math":
            return f"<tg-math-block>{content}</tg-math-block>"
        if language:
            content = f'<code class="language-{escape(language)}">{content}</code>'
        return f"<pre>{content}</pre>"

    def code_block(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        return self.fence(tokens, index)

    def html_block(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        """Render the Markdown between the tags of an HTML block."""
        content = tokens[index].content
        if _RAW_HTML_BLOCK.match(content):
            return content
        return "".join(
            part if _TAG.fullmatch(part) or not part.strip() else _PARSER.renderInline(part)
            for part in _TAG.split(content)
        )

    def image(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        """Render media with its caption, a custom emoji, or a date."""
        source, shown = str(tokens[index].attrs.get("src", "")), escape(tokens[index].content)
        if source.startswith("tg://emoji"):
            return f'<img src="{escape(source)}" alt="{shown}">'
        if source.startswith("tg://time"):
            given = dict(part.partition("=")[::2] for part in source.partition("?")[2].split("&"))
            unix, shape = escape(given.get("unix", "")), escape(given.get("format", ""))
            return f'<tg-time unix="{unix}" format="{shape}">{shown}</tg-time>'
        title = escape(str(tokens[index].attrs.get("title", "")))
        caption = f"<figcaption>{title}</figcaption>" if title else ""
        return f'<figure><img src="{escape(source)}">{caption}</figure>'

    def td_open(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        align = str(tokens[index].attrs.get("style", "")).removeprefix("text-align:")
        return f'<{tokens[index].tag} align="{align}">' if align else f"<{tokens[index].tag}>"

    th_open = td_open

    def math_inline(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        return f"<tg-math>{escape(tokens[index].content.strip())}</tg-math>"

    def math_block(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        return f"<tg-math-block>{escape(tokens[index].content.strip())}</tg-math-block>"

    math_inline_double = math_block

    def footnote_ref(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        number, label = _get_footnote_label(tokens[index])
        return f'<sup><a href="#{label}">{number}</a></sup>'

    def footnote_open(self, tokens: Sequence[Token], index: int, *_: Any) -> str:
        """Join the paragraphs of a footnote to one."""
        number, label = _get_footnote_label(tokens[index])
        for token in tokens[index:]:
            if token.type == "footnote_close":
                break
            token.hidden = token.type.startswith("paragraph")
        return f'<p>{number}. <tg-reference name="{label}">'

    def footnote_close(self, *_: Any) -> str:
        return "</tg-reference></p>"

    def thead_open(self, *_: Any) -> str:
        """Drop a tag that rich HTML does not have."""
        return ""

    thead_close = tbody_open = tbody_close = thead_open
    footnote_block_open = footnote_block_close = footnote_anchor = thead_open


def _has_block(inline: Token) -> bool:
    children = inline.children or []
    if any(token.type == "html_inline" and _BLOCK_TAG.match(token.content) for token in children):
        return True
    shown = [token for token in children if token.type != "softbreak"]
    return bool(shown) and all(_is_media(token) for token in shown)


def _is_media(token: Token) -> bool:
    return token.type == "image" and not str(token.attrs.get("src", "")).startswith("tg://e")


def _get_footnote_label(token: Token) -> tuple[int, str]:
    number = int(token.meta["id"]) + 1
    return number, escape(str(token.meta.get("label") or number))


def _scan_pair(state: StateInline, silent: bool) -> bool:
    """Scan `==` and `||` as markdown-it scans `~~`."""
    character = state.src[state.pos]
    if silent or character not in _PAIR_TAGS:
        return False
    scanned = state.scanDelims(state.pos, True)
    if scanned.length != 2:
        return False
    state.push("text", "", 0).content = character * 2
    where = len(state.tokens) - 1
    delimiter = Delimiter(ord(character), 0, where, -1, scanned.can_open, scanned.can_close)
    state.delimiters.append(delimiter)
    state.pos += 2
    return True


def _close_pairs(state: StateInline) -> None:
    nested = [meta["delimiters"] for meta in state.tokens_meta if meta and "delimiters" in meta]
    for delimiters in (state.delimiters, *nested):
        for opening in delimiters:
            tag = _PAIR_TAGS.get(chr(opening.marker))
            if tag is None or opening.end == -1:
                continue
            opening_token = state.tokens[opening.token]
            closing_token = state.tokens[delimiters[opening.end].token]
            opening_token.type, opening_token.nesting = "pair_open", 1
            closing_token.type, closing_token.nesting = "pair_close", -1
            for token in (opening_token, closing_token):
                token.tag, token.content = tag, ""


def _build_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", _OPTIONS)
    parser.enable(["table", "strikethrough"])
    parser.use(dollarmath_plugin, allow_labels=False, double_inline=True)
    parser.use(footnote_plugin, inline=False).use(tasklists_plugin)
    parser.inline.add_terminator_char("|")
    parser.inline.ruler.before("emphasis", "pair", _scan_pair)
    parser.inline.ruler2.before("fragments_join", "pair", _close_pairs)
    # The renderer's methods are its rules; they replace those of the plugins.
    parser.renderer.rules |= _Renderer().rules  # type: ignore[attr-defined] # only RendererHTML has rules
    return parser


_PARSER = _build_parser()
