from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

import pytest

PATIENCE = 120.0  # seconds; only a hang takes so long


@pytest.fixture(scope="session")
def processes() -> Any:
    """Real processes, forked from a server that has Django loaded but no connection open."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.concurrency.jobs"])
    return context


@pytest.fixture
def start(processes: Any) -> Iterator[Callable[..., Any]]:
    """Start a process; what still runs at the end of the test is killed."""
    running: list[Any] = []

    def begin(target: Callable[..., None], *args: Any) -> Any:
        process = processes.Process(target=target, args=args)
        process.start()
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.is_alive():
            process.kill()
        process.join()


def finish(started: list[Any]) -> None:
    """Wait for processes that must end well."""
    for process in started:
        process.join(PATIENCE)
    assert [process.exitcode for process in started] == [0] * len(started)
