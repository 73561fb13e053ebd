"""How the stores go about a search: the steps of SQLite's plan, and what MongoDB's profiler saw."""

import re
import sqlite3
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from careplan.fhir.query import Query
from careplan.store import sqlite_search
from careplan.store.protocol import Store
from careplan.store.sqlite_statement import Names

TABLES = re.compile(
    r"^SCAN ([rvgowtl]|r_+|resource|version|token|date|number|string|reference|uri|composite|parameter)\b"
)
"""A step that looks at all of a table."""


def plans(path: Path, query: Query) -> list[tuple[str, str]]:
    """Each step of each statement that the search runs, with the statement."""
    statements: list[str] = []
    connection = sqlite3.connect(path, isolation_level=None)
    connection.set_trace_callback(statements.append)
    sqlite_search.find(connection, Names(), query)
    connection.set_trace_callback(None)
    steps = [
        (str(step[3]), statement)
        for statement in statements
        for step in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
    ]
    connection.close()
    return steps


async def profiled(client: MongoClient[dict[str, Any]], store: Store, query: Query) -> list[dict[str, Any]]:
    """What the server notes of each command that the search really sends."""
    database = client.get_default_database()
    database.command("profile", 2)
    await store.search(query)
    database.command("profile", 0)
    wanted = {"ns": f"{database.name}.resource", "planSummary": {"$exists": True}}
    steps = list(database["system.profile"].find(wanted))
    database.drop_collection("system.profile")
    assert steps
    return steps
