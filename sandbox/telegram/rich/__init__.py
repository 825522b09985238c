"""Rich messages: markdown, HTML or blocks in, the blocks of a `RichMessage` out (Bot API 10.3)."""
