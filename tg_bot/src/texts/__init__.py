"""All words that people read, in Russian and English. English is the source, `ru.po` the rest."""
