"""Benchmarks that anyone can run: ours against a rival, same input, same run."""
