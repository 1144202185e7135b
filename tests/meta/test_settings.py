"""The shipped configuration says what the program does by itself, and keeps luigid on loopback."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

from pipeline.errors import ExitCode
from pipeline.settings import DEFAULTS

REPOSITORY = Path(__file__).parents[2]
RETURN_CODES = {
    "already_running",
    "missing_data",
    "not_run",
    "task_failed",
    "scheduling_error",
    "unhandled_exception",
}


def read(name: str) -> dict[str, dict[str, str]]:
    parser = ConfigParser(interpolation=None)
    parser.read_string((REPOSITORY / name).read_text())
    return {section: dict(parser[section]) for section in parser.sections()}


def test_every_return_code_is_set_and_documented() -> None:
    codes = read("luigi.cfg")["retcode"]
    assert codes.keys() == RETURN_CODES
    assert {int(code) for code in codes.values()} <= {int(code) for code in ExitCode} - {0}
    assert codes["already_running"] == str(int(ExitCode.LOCKED))


def test_luigi_cfg_differs_from_the_defaults_in_nothing_that_both_name() -> None:
    for section, values in read("luigi.cfg").items():
        for name, value in values.items():
            assert DEFAULTS.get(section, {}).get(name, value) == value, f"[{section}] {name}"
    assert read("luigi.cfg")["retcode"] == DEFAULTS["retcode"]


def test_luigid_is_looked_for_on_loopback_and_gives_up_dead_workers_soon() -> None:
    settings = read("config/luigid.cfg")
    assert settings["core"]["default_scheduler_host"] == "127.0.0.1"
    scheduler = settings["scheduler"]
    assert 15 <= int(scheduler["worker_disconnect_delay"]) <= 30
    assert scheduler["prune_on_get_work"] == "true"
    assert int(scheduler["disable_persist"]) < 86400
