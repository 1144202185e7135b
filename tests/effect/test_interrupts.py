"""Signals: to the command, to its task processes, and to what those have started. Each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import Interrupted
from pipeline.interrupts import in_task, install, interruptible
from tests.effect.test_process import ends

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_asks_and_the_second_stops(number: signal.Signals) -> None:
    asked: list[str] = []
    with pytest.raises(Interrupted):
        with install(lambda: asked.append("stop")):
            signal.raise_signal(number)
            assert asked == ["stop"]
            signal.raise_signal(number)
    assert asked == ["stop"]


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with install(lambda: None):
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_under_nohup_a_hangup_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with install(lambda: pytest.fail("asked to stop")):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def code_of(child: Callable[[], None]) -> int:
    """Run a function in a forked process; return its exit code, 99 where it ended by itself."""
    pid = os.fork()
    if pid == 0:
        try:
            child()
        except Interrupted:
            os._exit(42)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_task_ignores_the_terminal_and_ends_in_order_when_it_is_told() -> None:
    def task() -> None:
        in_task()
        with interruptible():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)

    assert code_of(task) == 42


def test_a_task_that_is_told_before_its_work_does_not_begin_it() -> None:
    def task() -> None:
        in_task()
        signal.raise_signal(signal.SIGTERM)
        with interruptible():
            os._exit(43)

    assert code_of(task) == 42


def test_a_task_that_is_told_after_its_work_is_not_disturbed() -> None:
    """Else Luigi's queue would be left half way, and the process would wait for it for ever."""

    def task() -> None:
        in_task()
        with interruptible():
            pass
        signal.raise_signal(signal.SIGTERM)
        os._exit(43)

    assert code_of(task) == 43


def test_a_task_that_is_told_twice_is_not_disturbed_while_it_ends() -> None:
    def task() -> None:
        in_task()
        with interruptible():
            try:
                signal.raise_signal(signal.SIGTERM)
            except Interrupted:
                signal.raise_signal(signal.SIGTERM)
                os._exit(43)

    assert code_of(task) == 43


def test_a_signal_to_a_task_that_is_not_set_up_yet_asks_nobody_in_the_commands_name() -> None:
    with install(lambda: pytest.fail("asked in a task process")):
        assert code_of(lambda: signal.raise_signal(signal.SIGTERM)) == 128 + signal.SIGTERM


TASK = """
import multiprocessing, os, signal, sys
from pipeline import process
from pipeline.errors import Interrupted
from pipeline.interrupts import in_task, interruptible

def task():
    in_task()
    child = "import os, signal; print(os.getppid(), os.getpid(), flush=True); signal.pause()"
    try:
        with interruptible():
            process.run((os.fsencode(sys.executable), b"-c", child.encode()), environ=os.environb,
                        on_line=lambda line: print(line.decode(), flush=True))
    except Interrupted:
        print("in order", flush=True)

started = multiprocessing.get_context("fork").Process(target=task)
started.start()
started.join()
"""


@pytest.mark.parametrize("to", ["task", "command"])
def test_neither_a_task_nor_its_child_outlives_its_end(to: str) -> None:
    """The task is told to end, or the command is killed outright."""
    with subprocess.Popen([sys.executable, "-c", TASK], stdout=subprocess.PIPE, cwd=REPOSITORY) as command:
        assert command.stdout
        task, child = map(int, command.stdout.readline().split())
        if to == "task":
            os.kill(task, signal.SIGTERM)
        else:
            command.kill()
        assert command.stdout.readline() == b"in order\n"
    assert ends(task)
    assert ends(child)


LOCKED = """
import multiprocessing, os, time
from types import SimpleNamespace
from pipeline.errors import Interrupted
from pipeline.interrupts import interruptible
from pipeline.worker import TaskContext

def task():
    try:
        with TaskContext(SimpleNamespace(use_multiprocessing=True, result_queue=results)):
            try:
                with interruptible():
                    print(os.getpid(), flush=True)
                    time.sleep(60)
            finally:
                results.put("result")
    except Interrupted:
        print("in order", flush=True)

context = multiprocessing.get_context("fork")
results = context.Queue()
results._wlock.acquire()
started = context.Process(target=task)
started.start()
started.join()
"""


def test_a_task_ends_when_the_command_was_killed_while_it_held_the_queue() -> None:
    with subprocess.Popen([sys.executable, "-c", LOCKED], stdout=subprocess.PIPE, cwd=REPOSITORY) as command:
        assert command.stdout
        task = int(command.stdout.readline())
        command.kill()
        assert command.stdout.readline() == b"in order\n"
    assert ends(task)
