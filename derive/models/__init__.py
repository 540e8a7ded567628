"""The systems that Backproof knows, one file each; `systems` holds the list."""
