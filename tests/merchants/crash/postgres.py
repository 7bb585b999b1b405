"""A small client of PostgreSQL: plain queries over the server's socket, without a password.

A server of one's own with a ledger, which ends with the context: `with postgres.server() as socket: …`
"""
import contextlib, os, pwd, shutil, socket, struct, subprocess, tempfile, time


class Connection:
    def __init__(self, path, database="postgres", user="postgres"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")
        parameters = b"".join(f"{text}\0".encode() for text in ("user", user, "database", database)) + b"\0"
        self.socket.sendall(struct.pack("!ii", len(parameters) + 8, 196608) + parameters)
        self.rows()

    def rows(self):
        """Reads replies until the server is ready for the next query."""
        rows, error = [], None
        while True:
            kind, length = struct.unpack("!ci", self.file.read(5))
            content = self.file.read(length - 4)
            if kind == b"D":
                rows.append(tuple(self.columns(content)))
            elif kind == b"E":
                error = content.replace(b"\0", b" ").decode()
            elif kind == b"Z":
                break
        if error:
            raise RuntimeError(error)
        return rows

    def columns(self, content):
        at = 2
        while at < len(content):
            length, = struct.unpack_from("!i", content, at)
            yield None if length < 0 else content[at + 4:at + 4 + length].decode()
            at += 4 + max(length, 0)

    def query(self, text, *values):
        """Each %s stands for a value, as a literal."""
        literals = ["'" + str(value).replace("'", "''") + "'" for value in values]
        text = (text % tuple(literals) if values else text).encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!i", len(text) + 4) + text)
        return self.rows()


def programs():
    """The folder of initdb and postgres, or nothing."""
    found = shutil.which("initdb")
    folders = [os.path.dirname(os.path.realpath(found))] if found else []
    folder = "/usr/lib/postgresql"
    versions = sorted(os.listdir(folder), key=float) if os.path.isdir(folder) else []
    folders += [os.path.join(folder, version, "bin") for version in reversed(versions)]
    return next((one for one in folders if os.path.exists(os.path.join(one, "postgres"))), None)


@contextlib.contextmanager
def server():
    """Starts a server in a temporary folder, as another user where this one is root, and yields its socket's path."""
    owner = pwd.getpwnam("postgres" if _has_user("postgres") else "nobody") if os.getuid() == 0 else None
    as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    with tempfile.TemporaryDirectory(prefix="payout-postgres-") as folder:
        if owner:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        data, binary = os.path.join(folder, "data"), programs()
        quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **as_owner}
        subprocess.run([f"{binary}/initdb", "-D", data, "-U", "postgres", "-A", "trust"], check=True, **quiet)
        started = subprocess.Popen([f"{binary}/postgres", "-D", data, "-k", folder, "-c", "listen_addresses="], **quiet)
        try:
            path = os.path.join(folder, ".s.PGSQL.5432")
            wait_for(path).query("CREATE TABLE ledger (payout_id text PRIMARY KEY, what text NOT NULL, cents bigint NOT NULL)")
            yield path
        finally:
            # A fast shutdown: clients are disconnected.
            started.send_signal(2)
            started.wait(30)


def wait_for(path):
    deadline = time.monotonic() + 30
    while True:
        try:
            return Connection(path)
        except (OSError, RuntimeError, struct.error):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _has_user(name):
    return any(one.pw_name == name for one in pwd.getpwall())
