"""The lock: what is known of every claim, written to a file that is committed; a later run is compared with it."""
