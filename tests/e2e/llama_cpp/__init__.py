"""llama.cpp's own server, from a package, with a model of a few words made here."""
