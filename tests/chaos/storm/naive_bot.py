"""A bot as it is written on a first evening: two Redis lists, LPUSH and BRPOP.

    python -m tests.chaos.storm.naive_bot bot|worker

It tries every call again until it succeeds, and Redis loses nothing of what it has acknowledged;
there is nothing wrong with it as long as nobody dies.
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

TRANSIENT = (httpx2.HTTPError, RedisError, ValueError, LookupError)
POLL_SECONDS = 10


def insist(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The call's result, however often it takes."""
    while True:
        try:
            return call(*args, **kwargs)
        except TRANSIENT:
            time.sleep(1)


class NaiveQueue:
    """A list that is read from its other end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._redis = Redis(
            port=int(os.environ["REDIS_PORT"]),
            password=os.environ["REDIS_PASSWORD"],
            socket_timeout=POLL_SECONDS,
        )

    def put(self, item: JsonObject) -> None:
        """At the end."""
        insist(self._redis.lpush, self._name, json.dumps(item))

    def get(self) -> JsonObject:
        """From the beginning; waits for it."""
        while not (popped := insist(self._redis.brpop, [self._name], timeout=2)):
            pass
        item: JsonObject = json.loads(popped[1])
        return item


def poll(http: httpx2.Client, inbox: NaiveQueue) -> None:
    """Telegram's updates into the queue."""
    asked = {"offset": 0, "timeout": POLL_SECONDS}
    while True:
        for update in insist(_call, http, "getUpdates", asked):
            message = update["message"]
            inbox.put({"chat_id": message["chat"]["id"], "text": message["text"]})
            asked = asked | {"offset": update["update_id"] + 1}


def send(http: httpx2.Client, outbox: NaiveQueue) -> None:
    """Answers to Telegram."""
    while True:
        insist(_call, http, "sendMessage", outbox.get())


def work(http: httpx2.Client, inbox: NaiveQueue, outbox: NaiveQueue) -> None:
    """Questions to answers."""
    while True:
        question = inbox.get()
        text = insist(_ask, http, question["text"])
        outbox.put({"chat_id": question["chat_id"], "text": text})


def _call(http: httpx2.Client, method: str, given: JsonObject) -> Any:
    url = f"{os.environ['TELEGRAM_URL']}/{method}"
    return http.post(url, json=given).raise_for_status().json()["result"]


def _ask(http: httpx2.Client, text: str) -> str:
    url, headers = f"{os.environ['MODEL_URL']}/chat/completions", {"Authorization": "Bearer none"}
    body = {"model": "demo", "messages": [{"role": "user", "content": text}]}
    answer = http.post(url, json=body, headers=headers).raise_for_status().json()
    said = answer["choices"][0]["message"]["content"]
    if not said:
        raise ValueError("the model said nothing")
    return str(said)


def main(role: str) -> None:
    """Run for ever."""
    with httpx2.Client(timeout=60.0) as http:
        inbox, outbox = NaiveQueue("in"), NaiveQueue("out")
        if role == "worker":
            work(http, inbox, outbox)
        threading.Thread(target=send, args=(http, outbox), daemon=True).start()
        poll(http, inbox)


if __name__ == "__main__":
    main(sys.argv[1])
