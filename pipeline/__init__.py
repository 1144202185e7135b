"""rsync in parallel, with checkpoints, as a Luigi pipeline.

Importing it registers the Luigi tasks, so that `luigi --module pipeline Sync` finds them.
"""

__version__ = "0.1.0"

from pipeline.sync import Sync

__all__ = ["Sync", "__version__"]
