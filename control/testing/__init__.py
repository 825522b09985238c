"""What `./manage.py test` and `./manage.py mutate` have in common in both modes."""
