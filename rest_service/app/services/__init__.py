"""The rules, one module per resource. They flush; only the edge of a request commits."""
