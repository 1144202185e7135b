"""rsync in parallel, with checkpoints, as a Luigi pipeline."""

__version__ = "0.1.0"
