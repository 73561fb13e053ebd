"""Invented people from a seed: the demo, the tests and the measurements draw on them.

Nobody here exists: every name holds `Test`, every CPR number is of the series kept for tests.
"""
