"""URLs of known SSRF attacks on a server or its private network."""

import json
from pathlib import Path

_SAMPLES: dict[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
HOSTILE_URLS = tuple(_SAMPLES["urls"])
"""All are refused by their spelling alone. `{port}` is the port of the server under attack."""
PRIVATE_ADDRESSES = tuple(_SAMPLES["addresses"])
"""Addresses that a hostile name server may answer."""
