"""What the service knows about care, as files that a clinician can read, correct and sign, and their reading.

`measures/`, `facts/`, `targets/`, `plans/` are the knowledge; `load` is the door. Nothing here applies a rule.
"""
