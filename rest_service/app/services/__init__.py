"""The business rules, one module per resource. They flush; the request's dependency commits."""
