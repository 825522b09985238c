"""The operator's tool behind `manage.py`. It uses only the standard library, so that it runs before
any package is installed.

cli           the commands; options: the options of each command
commands/     the implementation of each command
mode          the interface of a mode; modes: which mode a command uses
local/        local mode: supervised processes, databases from wheels
docker/       Docker mode: the containers of docker-compose.yml
environment   `.env` and the process environment; settings: what follows from them
services      the table of services; variables: which variables each of them receives
virtualenv    the Python environment of the services
"""
