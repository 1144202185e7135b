"""rsync in parallel, with checkpoints, as a Luigi pipeline.

Importing it registers the Luigi tasks, so that `luigi --module pipeline Sync` finds them.
"""

import warnings

__version__ = "0.1.0"

# Luigi 3.8 warns of its own default at import, before any setting of ours can reach it.
warnings.filterwarnings("ignore", message=r"\s*Autoloading range tasks", category=DeprecationWarning)

from pipeline.sync import Sync  # noqa: E402

__all__ = ["Sync", "__version__"]
