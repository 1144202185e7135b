"""rsync in parallel, with checkpoints, as a Luigi pipeline.

Importing it from Luigi registers the tasks, so that `luigi --module pipeline Sync` finds them. Elsewhere they come
with the first use of `pipeline.Sync`: Luigi takes 0.13 s to import, and the command has other things to do first.
"""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Luigi 3.8 warns of its own default at import, before any setting of ours can reach it.
warnings.filterwarnings("ignore", message=r"\s*Autoloading range tasks", category=DeprecationWarning)

if TYPE_CHECKING or "luigi" in sys.modules:
    from pipeline.sync import Sync

__all__ = ["Sync", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the tasks when they are asked for."""
    if name != "Sync":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipeline import sync

    return sync.Sync
