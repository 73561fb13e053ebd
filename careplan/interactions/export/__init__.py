"""Bulk export: everything a caller may see, as NDJSON files made in the background (`$export`).

https://hl7.org/fhir/uv/bulkdata/STU2/export.html · checklist R4-114 to R4-116. One folder on disk holds one export:
what was asked (`job`), how far it has come (`job`, `folder`), and its files. Whoever holds the folder's lock reads the
record page by page (`run`); when that process dies the system lets go of the lock, and another goes on after the last
page on disk, so that nothing is written twice.

What is in it: each resource as it stood at the transaction time, which is the moment of the kick-off. What changed
after that is shown in its last version before; the next export with `_since=[transactionTime]` brings the new one, and
whatever was made meanwhile. So a change is never lost between two exports. The caller's rights are asked again with
every page. Not in it: what was deleted (the manifest has no `deleted`), and resources that a record only refers to, at
Patient and Group level.
"""
