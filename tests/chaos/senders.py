"""Visitors who send the form until they are told that it arrived, and sometimes once more."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from dataclasses import dataclass, field

CLIENTS = 4
PATIENCE = 6.0  # seconds for one answer
REPEATS = 0.3  # share of submissions that come from somebody who wrote before
SENT_AGAIN = 0.25  # share that is sent once more although it was acknowledged


@dataclass
class Submission:
    """One enquiry of one person; its body is the same however often it is sent."""

    person: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def body(self) -> bytes:
        facts = {
            "submission_id": self.id,
            "name": f"Person {self.person}",
            "email": f"person{self.person}@chaos.example",
            "message": f"Enquiry {self.id}",
        }
        if self.person % 3 == 0:
            facts["phone"] = f"+1415{2_000_000 + self.person}"
        return json.dumps(facts).encode()


class Senders:
    """Clients that work through enquiries of people until stopped."""

    def __init__(self, port: int, public_key: str, *, rate: float, seed: int) -> None:
        self.port, self.path = port, f"/f/{public_key}/"
        self.rate = rate
        self.acknowledged: list[Submission] = []
        self.requests = 0
        self.failures = 0
        self.wrong: list[str] = []
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._people = 0
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,)) for n in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take up no new enquiries; those under way are sent until they are acknowledged."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(120)

    def _work(self, number: int) -> None:
        dice = random.Random(self._random.random() + number)
        while not self._stopping.is_set():
            submission = self._next(dice)
            self._send_until_acknowledged(submission, dice)
            time.sleep(dice.uniform(0, 2 * CLIENTS / self.rate))

    def _next(self, dice: random.Random) -> Submission:
        with self._lock:
            if self._people and dice.random() < REPEATS:
                return Submission(dice.randrange(self._people))
            self._people += 1
            return Submission(self._people - 1)

    def _send_until_acknowledged(self, submission: Submission, dice: random.Random) -> None:
        while not self._send(submission):
            time.sleep(dice.uniform(0.05, 0.3))
        with self._lock:
            self.acknowledged.append(submission)
        if dice.random() < SENT_AGAIN:
            self._send(submission)

    def _send(self, submission: Submission) -> bool:
        with self._lock:
            self.requests += 1
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", self.path, submission.body, headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status != 202:
                return self._failed(
                    f"{response.status} {answer[:200]!r}" if response.status != 503 else ""
                )
            if json.loads(answer) != {"status": "received", "id": submission.id}:
                return self._failed(f"answered {answer[:200]!r} for {submission.id}")
            return True
        except (OSError, http.client.HTTPException, ValueError):
            return self._failed("")
        finally:
            connection.close()

    def _failed(self, wrong: str) -> bool:
        """No answer while something is down is to be expected; a wrong one isn't."""
        with self._lock:
            self.failures += 1
            if wrong:
                self.wrong.append(wrong)
        return False


def latencies(port: int, public_key: str, count: int) -> list[float]:
    """Seconds that each of so many submissions took, one after another on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    taken = []
    for number in range(count):
        body = Submission(1_000_000 + number % 10).body
        started = time.perf_counter()
        connection.request("POST", f"/f/{public_key}/", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        taken.append(time.perf_counter() - started)
        if response.status != 202:
            raise AssertionError(f"answered {response.status}")
    connection.close()
    return sorted(taken)
