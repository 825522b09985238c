"""All texts that users read. The source is English; `ru.po` holds the Russian translations."""
