"""A real PostgreSQL server of the tests' own: fresh files, a socket in its folder, no network, no system service."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psycopg

from gateway.store.tables import Schema

_USER = "postgres"


def _binary(name: str) -> str:
    found = shutil.which(name) or next(
        iter(sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))[-1:]), ""
    )
    assert found, "PostgreSQL is missing; scripts/test-tools installs it"
    return found


def _as_user() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"] if os.geteuid() == 0 else []


class Server:
    """``fsync`` stays on: what is promised is what is tested."""

    def __init__(self, primary: "Server | None" = None) -> None:
        """With ``primary`` it is a hot standby of that one."""
        self.home = Path(tempfile.mkdtemp(prefix="lianpei-pg-"))
        self.user = _USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(self.home, _USER)
        self._databases = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._data = f"{self.home}/data"
        if primary is None:
            self._run("initdb", "-D", self._data, "-U", self.user, "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        else:
            self._run("pg_basebackup", "-D", self._data, "-h", str(primary.home), "-U", self.user, "-R", "-c", "fast")
        self.start()

    def _run(self, name: str, *arguments: str) -> None:
        command = [*_as_user(), _binary(name), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=self.home, timeout=60)

    def start(self) -> None:
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.home), "max_connections": "60"}
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [*_as_user(), _binary("postgres"), "-D", self._data, *arguments]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.home)
        self._until_ready()

    def process_id(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _until_ready(self) -> None:
        for _ in range(200):
            try:
                subprocess.run(
                    [_binary("pg_isready"), "-q", "-h", str(self.home)], check=True, timeout=5, capture_output=True
                )
                return
            except subprocess.CalledProcessError:
                time.sleep(0.05)
        raise AssertionError("PostgreSQL does not start")

    def url(self, database: str) -> str:
        return f"postgresql://{self.user}@/{database}?host={self.home}"

    def url_with(self, other: "Server", database: str = "postgres") -> str:
        """Of two servers, this one first; whoever connects looks for the primary."""
        return f"{self.url(database)},{other.home}&target_session_attrs=read-write"

    def new_database(self) -> str:
        """The URL of an empty one."""
        self._databases += 1
        name = f"t{self._databases}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def new_schema(self, schema: Schema) -> Schema:
        """The same tables under a name of their own: as good as an empty database, and sooner there."""
        self._databases += 1
        return replace(schema, name=f"{schema.name}{self._databases}")

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: at once and clean; SIGQUIT: as a crash."""
        if self._process is not None:
            # setpriv becomes the server, so this is the server's own id.
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def crash(self) -> None:
        self.stop(signal.SIGQUIT)

    def wait_for_standby(self) -> None:
        """From now on a COMMIT is answered when the standby has it on its disk."""
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.execute("SELECT pg_reload_conf()")
        for _ in range(200):
            if self.execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"):
                return
            time.sleep(0.05)
        raise AssertionError("the standby does not follow")

    def promote(self) -> None:
        """The standby becomes the primary; it waits for no standby of its own."""
        self._run("pg_ctl", "promote", "-w", "-D", self._data)

    def kill(self) -> None:
        """SIGKILL: nothing is written any more and nobody is told."""
        self.stop(signal.SIGKILL)

    def close(self) -> None:
        self.crash()
        shutil.rmtree(self.home, ignore_errors=True)
