"""What the proxy must still know after a kill -9: client tokens, and what instances lived through.

One SQLite file. A token is written before its launch is asked for, so that a launch whose answer
was lost is looked for, and not made again.
"""

import json
import sqlite3
import threading

TABLES = """
create table if not exists tokens (scope text, token text, parameters text, ids text,
                                   primary key (scope, token));
create table if not exists instances (id text primary key, looks integer not null default 0,
                                      is_made_here integer not null default 0,
                                      code text, message text);
"""


class Memory:
    def __init__(self, path):
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._file.execute("pragma journal_mode = wal")
        self._file.executescript(TABLES)
        self._lock = threading.Lock()

    def _do(self, statement, *values):
        with self._lock:
            return self._file.execute(statement, values).fetchall()

    def forget(self):
        self._do("delete from tokens")
        self._do("delete from instances")

    # -- tokens: ids is None while the launch was asked for and not answered -----------------

    def token(self, scope, token):
        """(parameters, ids), or None."""
        rows = self._do("select parameters, ids from tokens where scope = ? and token = ?",
                        scope, token)
        return rows and (rows[0][0], rows[0][1] and json.loads(rows[0][1])) or None

    def open_token(self, scope, token, parameters):
        self._do("insert into tokens values (?, ?, ?, null)", scope, token, parameters)

    def close_token(self, scope, token, ids):
        self._do("update tokens set ids = ? where scope = ? and token = ?", json.dumps(ids), scope,
                 token)

    def drop_token(self, scope, token):
        self._do("delete from tokens where scope = ? and token = ?", scope, token)

    # -- instances ---------------------------------------------------------------------------

    def made(self, instance):
        self._do("insert into instances (id, is_made_here) values (?, 1) on conflict do nothing",
                 instance)

    def look(self, instance):
        """Counts a look; how many there were before. One made elsewhere is an old one."""
        rows = self._do("update instances set looks = looks + 1 where id = ? and is_made_here"
                        " returning looks - 1", instance)
        return rows[0][0] if rows else None

    def looks(self, instance):
        rows = self._do("select looks from instances where id = ? and is_made_here", instance)
        return rows[0][0] if rows else None

    def end(self, instance, code, message):
        self._do("insert into instances (id, code, message) values (?, ?, ?) on conflict (id)"
                 " do update set code = excluded.code, message = excluded.message",
                 instance, code, message)

    def ended(self, instance):
        """(code, message) of an end that moto does not know the reason of, or None."""
        rows = self._do("select code, message from instances where id = ? and code is not null",
                        instance)
        return rows[0] if rows else None
