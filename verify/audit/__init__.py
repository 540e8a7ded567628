"""Audits of hand-written backward passes: every entry of every gradient against the verified formula."""
