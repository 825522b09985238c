# One image per service: docker build --build-arg SERVICE=assistant --build-arg PORT=8002 .

FROM python:3.13-slim AS packages
ARG SERVICE
RUN python -m venv --without-pip /venv
COPY ${SERVICE}/requirements.txt /
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /venv/bin/python install --require-hashes --no-deps -r /requirements.txt
# google-api-python-client contains descriptions of all Google APIs (110 MB); only one is used
RUN find /venv -path '*/discovery_cache/documents/*' ! -name calendar.v3.json -delete

FROM python:3.13-slim AS code
ARG SERVICE
WORKDIR /app
COPY smart_kit smart_kit
COPY ${SERVICE} ${SERVICE}
# smart_kit reads the version from it
COPY pyproject.toml ./
# make the files readable for the user app, regardless of the umask of the clone
RUN find . -name tests -prune -exec rm -r {} + && rm -r smart_kit/testing \
    && python -m compileall -q . && chmod -R a+rX .

# for docker-compose.test.yml
FROM python:3.13-slim AS tests
RUN python -m venv --without-pip /venv && useradd --uid 10001 --create-home app
COPY requirements-dev.txt /
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /venv/bin/python install --require-hashes --no-deps -r /requirements-dev.txt
COPY --chown=app . /app
WORKDIR /app
USER app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m compileall -q .
ENTRYPOINT ["python", "-m", "pytest"]

# for docker-compose.override.yml
FROM python:3.13-slim AS setup
COPY control /app/control
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app \
    && cd /app && python -c "from control.docker.plain_compose_setup import COMPONENTS; print(*COMPONENTS)" \
       | tr ' ' '\n' | sed 's:^:/made/:' | xargs install -d -o app -g app /made \
    && chmod -R a+rX /app
WORKDIR /app
USER app
CMD ["python", "-m", "control.docker.plain_compose_setup", "/made"]

FROM python:3.13-slim
ARG PORT
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app \
    && install -d -o app -g app /state
COPY --from=packages /venv /venv
COPY --from=code /app /app
WORKDIR /app
USER app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    BIND_HOST=0.0.0.0 STATE_DIR=/state PORT=${PORT}
EXPOSE ${PORT}
# bash, because starting Python for each check would cost more than an idle service
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/$PORT && printf 'GET /health HTTP/1.0\r\n\r\n' >&3 && answer=$(cat <&3) && echo \"${answer##*$'\n'}\" && [[ $answer == HTTP/1.?' 200 '* ]]"]
ENTRYPOINT ["python", "-m"]
