"""rsync in parallel, with checkpoints, as a Luigi pipeline."""
