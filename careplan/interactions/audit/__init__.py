"""The audit log: who saw or changed whose record, as chained records in the store that it is about (design §7).

`entry` says what one access is, `record` how entries are chained and stored, `journal` writes them, `shelf` shows them
as AuditEvents, `verification` finds what was removed, changed or moved. What is noted while a request is worked is
`interactions.trail`; when it is logged, `interactions.settlement`. https://hl7.org/fhir/R4/auditevent.html
"""
