"""A simple bot over two Redis lists (LPUSH and BRPOP), the baseline that a storm must break.

    python -m tests.chaos.storm.naive_bot bot|worker

It retries every call until it succeeds, and Redis keeps everything that it has acknowledged. So it
works correctly as long as no process is killed.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import httpx2
from redis import Redis
from redis.exceptions import RedisError

JsonObject = dict[str, Any]
T = TypeVar("T")
P = ParamSpec("P")

TRANSIENT_ERRORS = (httpx2.HTTPError, RedisError, ValueError, LookupError)
POLL_TIMEOUT_SECONDS = 10


def retry_forever(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call until there is no transient error, and return the result."""
    while True:
        try:
            return call(*args, **kwargs)
        except TRANSIENT_ERRORS:
            time.sleep(1)


class NaiveQueue:
    """A queue in a Redis list."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._redis = Redis(
            port=int(os.environ["REDIS_PORT"]),
            password=os.environ["REDIS_PASSWORD"],
            socket_timeout=POLL_TIMEOUT_SECONDS,
        )

    def put(self, item: JsonObject) -> None:
        """Append an item."""
        retry_forever(self._redis.lpush, self._name, json.dumps(item))

    def get(self) -> JsonObject:
        """Wait for the oldest item, and remove it."""
        while not (popped := retry_forever(self._redis.brpop, [self._name], timeout=2)):
            pass
        item: JsonObject = json.loads(popped[1])
        return item


def poll_updates(http: httpx2.Client, inbox: NaiveQueue) -> None:
    """Move updates from Telegram to the inbox."""
    offset = {"offset": 0, "timeout": POLL_TIMEOUT_SECONDS}
    while True:
        for update in retry_forever(_call_telegram, http, "getUpdates", offset):
            message = update["message"]
            inbox.put({"chat_id": message["chat"]["id"], "text": message["text"]})
            offset = offset | {"offset": update["update_id"] + 1}


def send_replies(http: httpx2.Client, outbox: NaiveQueue) -> None:
    """Move replies from the outbox to Telegram."""
    while True:
        retry_forever(_call_telegram, http, "sendMessage", outbox.get())


def answer_questions(http: httpx2.Client, inbox: NaiveQueue, outbox: NaiveQueue) -> None:
    """Answer the questions in the inbox by the model."""
    while True:
        question = inbox.get()
        text = retry_forever(_call_model, http, question["text"])
        outbox.put({"chat_id": question["chat_id"], "text": text})


def _call_telegram(http: httpx2.Client, method: str, parameters: JsonObject) -> Any:
    url = f"{os.environ['TELEGRAM_URL']}/{method}"
    return http.post(url, json=parameters).raise_for_status().json()["result"]


def _call_model(http: httpx2.Client, text: str) -> str:
    url, headers = f"{os.environ['MODEL_URL']}/chat/completions", {"Authorization": "Bearer none"}
    body = {"model": "demo", "messages": [{"role": "user", "content": text}]}
    completion = http.post(url, json=body, headers=headers).raise_for_status().json()
    reply = completion["choices"][0]["message"]["content"]
    if not reply:
        raise ValueError("the model returned no text")
    return str(reply)


def main(role: str) -> None:
    """Run for ever."""
    with httpx2.Client(timeout=60.0) as http:
        inbox, outbox = NaiveQueue("in"), NaiveQueue("out")
        if role == "worker":
            answer_questions(http, inbox, outbox)
        threading.Thread(target=send_replies, args=(http, outbox), daemon=True).start()
        poll_updates(http, inbox)


if __name__ == "__main__":
    main(sys.argv[1])
