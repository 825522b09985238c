"""`parse_mode=Markdown`: Telegram's first dialect, without nesting."""

from sandbox.telegram.text.markup_parser import MarkupParser

_MARK_TYPES = {"_": "italic", "*": "bold", "`": "code"}


class LegacyMarkdownParser(MarkupParser):
    """A parser in which a mark ends at the next equal mark."""

    def read_next(self) -> None:
        """Read the next character, entity or link."""
        begin, start, character = self.position, len(self.characters), self.peek()
        if character == "\\" and self.peek(1) in tuple("_*`["):
            self.position += 1
            self.write_next()
        elif self.starts_with("```"):
            self.position += 3
            language = self.read_language()
            self._write_until("```", begin)
            self.add_entity("pre", start, language=language)
        elif character in _MARK_TYPES:
            self.position += 1
            self._write_until(character, begin)
            self.add_entity(_MARK_TYPES[character], start)
        elif character == "[":
            self.position += 1
            self._write_until("]", begin)
            url = self.get_text(start)
            if self.peek() == "(":
                url = self.source[self.position + 1 :].partition(")")[0]
                self.position += len(url) + 2
            self.add_link(start, url)
        else:
            self.write_next()

    def _write_until(self, closing_mark: str, begin: int) -> None:
        """Write the text before the closing mark and move behind the mark."""
        end = self.source.find(closing_mark, self.position)
        if end < 0:
            raise self.build_error("Can't find end of the entity starting", begin)
        self.write(self.source[self.position : end])
        self.position = end + len(closing_mark)
