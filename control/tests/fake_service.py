"""A service with only /health and key rotation: `fake_service.py PORT_VARIABLE BEHAVIOUR`.

An attentive one checks when it ends whether Redis is still there. DEFAULT_MODEL=unhealthy makes it
unhealthy whatever its behaviour, DEFAULT_MODEL=fixed stops a crash. With an own port it listens
there too and shares the other one, like rest_service. It imports almost nothing, because each suite
of the tests starts several.
"""

import os
import select
import signal
import socket
import sys

CLIENT_TIMEOUT_SECONDS = 60.0
"""Seconds that a client may take to send its request."""
HEALTHY = (200, '{"status": "ok"}')
UNHEALTHY = (503, '{"status": "unavailable", "detail": "TELEGRAM_TOKEN: Telegram says no"}')


def listen_on(port: int, *, is_shared: bool) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    server.bind(("127.0.0.1", port))
    server.listen()
    return server


def handle_connection(connection: socket.socket) -> None:
    """Answer one request. Disconnecting clients are ignored."""
    connection.settimeout(CLIENT_TIMEOUT_SECONDS)
    try:
        request = b""
        while b"\r\n\r\n" not in request:
            received = connection.recv(65536)
            if not received:
                return
            request += received
        status, body = build_response(request.decode("latin-1"))
        head = f"HTTP/1.0 {status} -\r\nContent-Length: {len(body.encode())}\r\n\r\n"
        connection.sendall((head + body).encode())
    except OSError:
        pass
    finally:
        connection.close()


def build_response(request: str) -> tuple[int, str]:
    if request.startswith("POST "):  # everything is encrypted with the newest key
        is_known = f"Authorization: Bearer {os.environ['ADMIN_API_TOKEN']}\r\n" in request
        return 200 if is_known else 401, '{"rewritten": 0, "unchanged": 1, "unreadable": 0}'
    if request.startswith("GET /environment "):
        import json

        return 200, json.dumps(dict(os.environ))
    return UNHEALTHY if behaviour == "unhealthy" else HEALTHY


def handle_sigterm(*_: object) -> None:
    if behaviour == "checks_redis_at_exit":
        with socket.socket() as client:
            missing = client.connect_ex(("127.0.0.1", int(os.environ["REDIS_PORT"])))
        print("it ends after Redis" if missing else "it ends before Redis", flush=True)
    os._exit(0)


variable, behaviour = sys.argv[1:]
if os.environ.get("DEFAULT_MODEL") == "unhealthy":
    behaviour = "unhealthy"
signal.signal(signal.SIGTERM, handle_sigterm)
print(f"{variable} begins", flush=True)
if behaviour == "incomplete":
    raise ModuleNotFoundError("No module named 'aiohttp'", name="aiohttp")
if behaviour == "crash" and os.environ.get("DEFAULT_MODEL") != "fixed":
    raise RuntimeError("cannot read the plan")
if behaviour == "task":
    sys.exit(0)

own_port = os.environ.get(variable.replace("_PORT", "_OWN_PORT"))
servers = [listen_on(int(os.environ[variable]), is_shared=bool(own_port))]
if own_port:
    servers.append(listen_on(int(own_port), is_shared=False))
while True:
    for server in select.select(servers, [], [])[0]:
        handle_connection(server.accept()[0])
