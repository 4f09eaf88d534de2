"""Which account the embedded server runs as, and how it reaches its files.

PostgreSQL refuses to run as root. Started by root it therefore runs as `nobody` (or as the
account that owns the data already), and every folder on the way to its programs and its data
must let that account pass. Where one does not, it is given o+x: passing through, not reading.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

import structlog

from shared.errors import ForPeople

log = structlog.get_logger()


class EmbeddedPostgresError(ForPeople):
    """Why the embedded server cannot be used, in a sentence for the person who started it."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server runs as. `switch` says whether we must become it."""

    name: str
    uid: int
    gid: int
    switch: bool

    @classmethod
    def for_data(cls, data: Path) -> "Account":
        """Ourselves, or for root the unprivileged owner of the data, else `nobody`."""
        me = os.geteuid()
        if me != 0:
            return _account(me, switch=False)
        owner = data.stat().st_uid if data.exists() else 0
        return _account(owner, switch=True) if owner else _account(pwd.getpwnam("nobody").pw_uid, switch=True)


def _account(uid: int, *, switch: bool) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedPostgresError(
            f"The system knows no account with the number {uid}, so the embedded PostgreSQL cannot tell "
            "who may connect. Start Vestnik from a named account or set VESTNIK_DATABASE_URL."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switch)


def may_connect(account: Account) -> list[str]:
    """System accounts let in as the database's owner: who started it, whose data it is, and root.

    `nobody` is left out: it is shared by programs that have nothing to do with us.
    """
    names = {pwd.getpwuid(os.geteuid()).pw_name, pwd.getpwuid(0).pw_name}
    if account.name != "nobody":
        names.add(account.name)
    return sorted(names)


def private_folder(path: Path, account: Account) -> None:
    """A folder only the account may enter (0700), made if missing."""
    path.mkdir(parents=True, exist_ok=True)
    if account.switch:
        os.chown(path, account.uid, account.gid)
    path.chmod(0o700)


def let_through(path: Path, account: Account) -> None:
    """Make every folder above `path` passable for the account."""
    for folder in reversed(path.absolute().parents):
        _grant(folder, account, stat.S_IXUSR)


def let_read(tree: Path, account: Account) -> None:
    """Make a tree of programs usable for the account, when root unpacked it for itself only."""
    probe = tree / "bin" / "postgres"
    if _has(probe.stat(), account, stat.S_IRUSR | stat.S_IXUSR):
        return
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            _grant(path, account, stat.S_IRUSR | (stat.S_IXUSR if executable else 0), quiet=True)
    log.warning("postgres.programs_opened", folder=str(tree), account=account.name)


def _has(status: os.stat_result, account: Account, wanted: int) -> bool:
    shift = 0 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 6
    return (status.st_mode << shift) & wanted == wanted


def _grant(path: Path, account: Account, wanted: int, *, quiet: bool = False) -> None:
    status = path.stat()
    if _has(status, account, wanted):
        return
    shift = 0 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 6
    try:
        path.chmod(stat.S_IMODE(status.st_mode) | wanted >> shift)
    except OSError as wrong:
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL runs as {account.name}, which may not pass through {path}, and "
            f"that cannot be changed ({wrong.strerror}). Allow it (chmod o+x {path}), start Vestnik from "
            "an ordinary account, or set VESTNIK_DATABASE_URL."
        ) from wrong
    if not quiet:
        log.warning("postgres.folder_opened", folder=str(path), account=account.name)
