"""Luigi settings this pipeline needs, given as defaults: a user's configuration file and flags still win.

The reasons are measured ones (ARCHITECTURE.md, "Luigi").
"""

from __future__ import annotations

import warnings

from luigi.configuration import get_config

DEFAULTS: dict[str, dict[str, str]] = {
    "core": {
        "log_level": "INFO",
        "no_lock": "true",
        "rpc_retry_wait": "2",
        "rpc_retry_attempts": "60",
        "autoload_range": "false",
    },
    "worker": {
        "max_keep_alive_idle_duration": "3600",
        "wait_interval": "0.1",
        "wait_jitter": "0.1",
        "force_multiprocessing": "true",
        "check_complete_on_run": "true",
        "task_process_context": "pipeline.worker.TaskContext",
    },
    "scheduler": {"retry_count": "1", "retry_delay": "5", "disable_persist": "86400"},
    "retcode": {
        "already_running": "10",
        "missing_data": "1",
        "not_run": "1",
        "task_failed": "1",
        "scheduling_error": "1",
        "unhandled_exception": "1",
    },
}


def install() -> None:
    """Give each setting that no configuration names its default.

    Luigi warns of `[core]` settings that only its client of luigid reads; that would be a line in every run.
    """
    warnings.filterwarnings("ignore", message=".*'rpc_retry_.*not consumed")
    config = get_config()
    for section, values in DEFAULTS.items():
        for name, value in values.items():
            if not config.has_option(section, name):
                config.set(section, name, value)
