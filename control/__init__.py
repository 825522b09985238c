"""The operator's tool behind `manage.py`: standard library only, so that it runs on a bare Python.

cli           the commands, and how each is found; options: what each takes
environment   `.env` and the process environment; settings: what follows from them
services      the explicit table of what runs; variables: who may see which variable
virtualenv    the Python environment of the services
local/        local mode: databases from wheels and services as supervised processes
commands/     what is the same in every mode; welcome: what each mode's `start` says
"""
