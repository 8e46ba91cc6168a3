"""Measurements that print one JSON object a line: `python -m benchmarks NAME`."""
