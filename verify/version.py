"""The version that reports carry."""

VERSION = "0.1.0"
