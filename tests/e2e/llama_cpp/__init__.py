"""The server of llama.cpp (package xllamacpp) with a tiny model that is generated here."""
