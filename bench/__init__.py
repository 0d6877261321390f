"""Benchmarks: how long Lampway takes, with what it is built on measured beside it in the same run."""
