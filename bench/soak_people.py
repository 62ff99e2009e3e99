"""People who do not give up: what fails while a part is away is retried until it succeeds."""

import itertools
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from bench.loopback import UnexpectedAnswer
from bench.stack import Stack

AGAIN_SECONDS = 0.5
LOOK_SECONDS = 1.0
PAGE = 50
DONE = frozenset({202, 404, 409})
"""Answers after which a task needs no more work: it is done, or was before."""

Answer = TypeVar("Answer")


class People:
    """Clerks who keep ``window`` cases open, and everybody else who completes what is on the lists."""

    def __init__(self, stack: Stack, groups: tuple[str, ...], window: int, clerks: int) -> None:
        self._stack, self._window = stack, window
        self._serial = itertools.count(1_000_000)
        self._lock = threading.Lock()
        self._ending, self._submitting = threading.Event(), threading.Event()
        self._submitting.set()
        self._under_way = 0
        self.submitted: list[str] = []
        self.repeated = 0
        """How often something had to be done again."""
        self._threads = [threading.Thread(target=self._submit, daemon=True) for _ in range(clerks)]
        self._threads += [threading.Thread(target=self._work, args=(group,), daemon=True) for group in groups]
        for thread in self._threads:
            thread.start()

    def submit_no_more(self) -> None:
        """Let no more cases be submitted, and return when those under way are."""
        with self._lock:
            self._submitting.clear()
        while self._under_way:
            time.sleep(AGAIN_SECONDS)

    def end(self) -> None:
        """Send everybody home."""
        self._ending.set()
        self._submitting.set()
        for thread in self._threads:
            thread.join()

    def submit_one(self) -> str:
        """Submit a case of one's own and return its number once there is an answer."""
        number = next(self._serial)
        case_no = self._insist(lambda: self._stack.submit_numbered(number))
        with self._lock:
            self.submitted.append(case_no)
        return case_no

    def _submit(self) -> None:
        while not self._ending.is_set():
            self._submitting.wait()
            with self._lock:
                begun = self._submitting.is_set() and not self._ending.is_set()
                self._under_way += begun
            if not begun:
                continue
            try:
                room = len(self.submitted) - self._insist(self._stack.finished) < self._window
                if room:
                    self.submit_one()
            finally:
                with self._lock:
                    self._under_way -= 1
            if not room:
                time.sleep(AGAIN_SECONDS)

    def _work(self, group: str) -> None:
        while not self._ending.is_set():
            page = self._insist(lambda: self._stack.account(group).connection.get(f"/tasks?limit={PAGE}"))
            for task in page["items"]:
                self._insist(partial(self._complete, group, task))
            self._ending.wait(LOOK_SECONDS)

    def _complete(self, group: str, task: dict[str, Any]) -> None:
        body = {"outcome": task["outcomes"][0]["value"], "opinion": "同意", "values": {}}
        status, answer = self._stack.account(group).connection.send("POST", f"/tasks/{task['id']}/complete", body)
        if status not in DONE:
            raise UnexpectedAnswer(f"complete {task['element_id']}: {status} {answer}")

    def _insist(self, do: Callable[[], Answer]) -> Answer:
        while True:
            try:
                return do()
            except Exception:
                if self._ending.is_set():
                    raise SystemExit from None
                with self._lock:
                    self.repeated += 1
                time.sleep(AGAIN_SECONDS)
