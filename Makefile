# One target per command of manage.py; `make start ARGS=--docker` passes options.
start stop restart rebuild status logs chat invite doctor test fuzz chaos bench mutate check migrate upgrade rotate-keys: ; @./manage.py $@ $(ARGS)
build: ; @./manage.py rebuild $(ARGS)
lint: ; @./manage.py check $(ARGS)
run: ; @./manage.py start $(ARGS)
.PHONY: start stop restart rebuild status logs chat invite doctor test fuzz chaos bench mutate check migrate upgrade rotate-keys build lint run
