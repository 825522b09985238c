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

TRANSIENT_ERRORS = (httpx2.HTTPError, RedisError, ValueError, LookupError)
POLL_TIMEOUT_SECONDS = 10


def retry_forever(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The call's result, however often it takes."""
    while True:
        try:
            return call(*args, **kwargs)
        except TRANSIENT_ERRORS:
            time.sleep(1)


class NaiveQueue:
    """A list that is read from its other end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._redis = Redis(
            port=int(os.environ["REDIS_PORT"]),
            password=os.environ["REDIS_PASSWORD"],
            socket_timeout=POLL_TIMEOUT_SECONDS,
        )

    def put(self, item: JsonObject) -> None:
        """At the end."""
        retry_forever(self._redis.lpush, self._name, json.dumps(item))

    def get(self) -> JsonObject:
        """From the beginning; waits for it."""
        while not (popped := retry_forever(self._redis.brpop, [self._name], timeout=2)):
            pass
        item: JsonObject = json.loads(popped[1])
        return item


def poll_updates(http: httpx2.Client, inbox: NaiveQueue) -> None:
    """Telegram's updates into the queue."""
    offset = {"offset": 0, "timeout": POLL_TIMEOUT_SECONDS}
    while True:
        for update in retry_forever(_call_telegram, http, "getUpdates", offset):
            message = update["message"]
            inbox.put({"chat_id": message["chat"]["id"], "text": message["text"]})
            offset = offset | {"offset": update["update_id"] + 1}


def send_replies(http: httpx2.Client, outbox: NaiveQueue) -> None:
    """Answers to Telegram."""
    while True:
        retry_forever(_call_telegram, http, "sendMessage", outbox.get())


def answer_questions(http: httpx2.Client, inbox: NaiveQueue, outbox: NaiveQueue) -> None:
    """Questions to answers."""
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
    answer = http.post(url, json=body, headers=headers).raise_for_status().json()
    text_reply = answer["choices"][0]["message"]["content"]
    if not text_reply:
        raise ValueError("the model said nothing")
    return str(text_reply)


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
