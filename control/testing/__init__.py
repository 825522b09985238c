"""Shared by `./manage.py test` and `./manage.py mutate`."""
