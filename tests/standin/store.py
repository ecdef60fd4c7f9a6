"""The state of the stand-in: one SQLite file, a lock, one transaction per request.

Each document is a row of JSON. A request runs wholly inside `with store.transaction()`, so that
concurrent callers see whole effects, and the commit is done before the answer leaves: a server
killed with SIGKILL at any moment has lost nothing that it acknowledged. (WAL with
synchronous=NORMAL: what is committed has reached the kernel, which outlives the process.)
"""

import json
import secrets
import sqlite3
import threading
from contextlib import contextmanager

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL,
    body TEXT NOT NULL, UNIQUE (kind, id));
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL, type TEXT NOT NULL,
    timestamp INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_task ON events (task, type, timestamp);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    client TEXT NOT NULL, endpoint TEXT NOT NULL, status INTEGER NOT NULL,
    count INTEGER NOT NULL, PRIMARY KEY (client, endpoint, status));
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body TEXT NOT NULL);
"""


def new_id():
    """32 hexadecimal digits, as the real server's ids."""
    return secrets.token_hex(16)


class Store:
    """Documents by kind and id, events of tasks, settings, counts of calls, journals."""

    def __init__(self, path):
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    @contextmanager
    def transaction(self, commit_on=()):
        """All or nothing; an exception of `commit_on` keeps what was done before it."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except commit_on:
                self._db.execute("COMMIT")
                raise
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            else:
                self._db.execute("COMMIT")

    def get(self, kind, key):
        row = self._db.execute(
            "SELECT body FROM documents WHERE kind = ? AND id = ?", (kind, key)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, kind, key, document):
        """Insert or replace; a replaced document keeps its place in the order."""
        self._db.execute(
            "INSERT INTO documents (kind, id, body) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, key, json.dumps(document)))

    def delete(self, kind, key):
        cursor = self._db.execute(
            "DELETE FROM documents WHERE kind = ? AND id = ?", (kind, key))
        return cursor.rowcount > 0

    def all(self, kind):
        """The documents of a kind, oldest first."""
        rows = self._db.execute(
            "SELECT body FROM documents WHERE kind = ? ORDER BY seq", (kind,))
        return [json.loads(body) for (body,) in rows.fetchall()]

    def some(self, kind, keys):
        """The documents with these ids that exist, oldest first."""
        marks = ",".join("?" * len(keys))
        rows = self._db.execute(
            f"SELECT body FROM documents WHERE kind = ? AND id IN ({marks}) ORDER BY seq",
            (kind, *keys))
        return [json.loads(body) for (body,) in rows.fetchall()]

    def add_event(self, task, kind, timestamp, body):
        self._db.execute(
            "INSERT INTO events (task, type, timestamp, body) VALUES (?, ?, ?, ?)",
            (task, kind, timestamp, json.dumps(body)))

    def events(self, task, kind):
        """The events of one type of a task, latest first."""
        rows = self._db.execute(
            "SELECT body FROM events WHERE task = ? AND type = ? "
            "ORDER BY timestamp DESC, seq DESC", (task, kind))
        return [json.loads(body) for (body,) in rows.fetchall()]

    def delete_events(self, task):
        self._db.execute("DELETE FROM events WHERE task = ?", (task,))

    def setting(self, name, make):
        """The value kept under that name; the first caller's make() decides it."""
        with self.transaction():
            row = self._db.execute(
                "SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
            if row:
                return row[0]
            value = make()
            self._db.execute("INSERT INTO settings VALUES (?, ?)", (name, value))
            return value

    def count_call(self, client, endpoint, status):
        self._db.execute(
            "INSERT INTO calls VALUES (?, ?, ?, 1) "
            "ON CONFLICT DO UPDATE SET count = count + 1", (client, endpoint, status))

    def calls(self):
        rows = self._db.execute(
            "SELECT client, endpoint, status, count FROM calls ORDER BY client, endpoint, status")
        names = ("client", "endpoint", "status", "count")
        return [dict(zip(names, row)) for row in rows.fetchall()]

    def note(self, kind, entry):
        """Append to one of the journals: violation, history."""
        self._db.execute(
            "INSERT INTO journal (kind, body) VALUES (?, ?)", (kind, json.dumps(entry)))

    def notes(self, kind):
        rows = self._db.execute(
            "SELECT body FROM journal WHERE kind = ? ORDER BY seq", (kind,))
        return [json.loads(body) for (body,) in rows.fetchall()]

    def forget_notes(self, kind):
        self._db.execute("DELETE FROM journal WHERE kind = ?", (kind,))
