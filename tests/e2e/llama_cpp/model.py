"""Generates a GGUF model that can only say three sentences, so that tests know its answers.

No weights are downloaded. Each token of a sentence has an embedding dimension of its own, attention
and feed-forward are zero, and the output matrix maps each token to its successor. The sentence
follows from the last token of the prompt, which the chat template chooses. Everything else is
llama.cpp's own: tokenizer, template engine, sampling, grammar, parser and server.
"""

import re
from pathlib import Path

import gguf
import numpy as np

TEXT_REPLY = "I am a llama."
TOOL_CALL = '<tool_call>\n{"name": "get_time", "arguments": {}}\n</tool_call>'
TOOL_RESULT_REPLY = "The clock has been read."
CONTEXT_TOKENS = 32_768
"""Large, because nearly every byte of a prompt is a token."""

_SENTENCES = {"<|say|>": TEXT_REPLY, "<|call|>": TOOL_CALL, "<|after_tool|>": TOOL_RESULT_REPLY}
_WIDTH = 64
"""Embedding dimensions: at least as many as the sentences have tokens."""
_LOGIT = 10.0
_UNKNOWN, _NORMAL, _CONTROL, _BYTE = 2, 1, 3, 6
"""GGUF's numbers of token types."""

TEMPLATE = """\
{%- if tools %}<|im_start|>system
You may call one or more functions. Their signatures are within <tools></tools> tags:
<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>
For each call return a JSON object within <tool_call></tool_call> tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{%- if message.content %}
{{ message.content }}
{%- endif %}
{%- for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if messages[-1].role == "tool" %}<|after_tool|>
{%- elif tools and "time" in messages[-1].content %}<|call|>
{%- else %}<|say|>{% endif %}
{%- endif %}"""
"""Tool calls in Hermes format. A question about the time is answered with a tool call."""


def write_model(path: Path) -> None:
    """Write the model as a GGUF file of a few megabytes."""
    tokens = [("<unk>", _UNKNOWN), ("<s>", _CONTROL), ("</s>", _CONTROL)]
    tokens += [(f"<0x{number:02X}>", _BYTE) for number in range(256)]
    tokens += [(start, _CONTROL) for start in _SENTENCES]
    follows: dict[int, int] = {}
    for start, sentence in _SENTENCES.items():
        last = tokens.index((start, _CONTROL))
        for piece in re.findall(r"\s?\S+", sentence):
            follows[last] = last = len(tokens)
            tokens.append((piece.replace(" ", "\N{LOWER ONE EIGHTH BLOCK}"), _NORMAL))
        follows[last] = tokens.index(("</s>", _CONTROL))
    writer = gguf.GGUFWriter(path, "llama")
    _write_metadata(writer, tokens)
    _write_weights(writer, len(tokens), follows)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_metadata(writer: gguf.GGUFWriter, tokens: list[tuple[str, int]]) -> None:
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(_WIDTH)
    writer.add_feed_forward_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([token for token, _ in tokens])
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([kind for _, kind in tokens])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def _write_weights(writer: gguf.GGUFWriter, size: int, follows: dict[int, int]) -> None:
    embedding, output = (np.zeros((size, _WIDTH), np.float32) for _ in range(2))
    for direction, (token, successor) in enumerate(follows.items()):
        embedding[token, direction] = 1.0
        output[successor, direction] = _LOGIT
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output.weight", output)
    for norm in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{norm}.weight", np.ones(_WIDTH, np.float32))
    for part in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{part}.weight", np.zeros((_WIDTH, _WIDTH), np.float32))
