"""Language models, and their import from lists."""
