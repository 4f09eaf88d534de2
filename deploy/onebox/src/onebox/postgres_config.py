"""How the embedded server is set up: for an old office PC, and for one account only.

Written anew on every start, so an update can change it; `local.conf` beside it is the administrator's.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from onebox.account import Account, may_connect

# Little memory, a slow disk, and what was committed must survive a power cut.
# The server's messages may quote values, so statements and details stay out of its log.
_SETTINGS = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "synchronous_commit": "on",
    "jit": "off",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "wal_compression": "on",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "logging_collector": "on",
    "log_directory": "'log'",
    "log_filename": "'postgres-%a.log'",
    "log_truncate_on_rotation": "on",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    # an administrator's slow log of `local.conf` shows statements, never the values they were given
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


def configure(cluster: Path, socket: Path, account: Account, extra: Mapping[str, str]) -> None:
    """Settings, and who may connect: peer authentication by the unix socket, never trust, no TCP."""
    settings = {**_SETTINGS, "unix_socket_directories": _quoted_list_item(socket), **extra}
    lines = [f"{name} = {value}\n" for name, value in settings.items()]
    _write(cluster / "postgresql.conf", "".join([*lines, "include_if_exists = 'local.conf'\n"]), account)
    _write(cluster / "pg_hba.conf", "local all postgres peer map=vestnik\n", account)
    _write(
        cluster / "pg_ident.conf",
        "".join(f'vestnik "{name}" postgres\n' for name in may_connect(account)),
        account,
    )


def _write(path: Path, text: str, account: Account) -> None:
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o600)
    if account.switch:
        os.chown(draft, account.uid, account.gid)
    draft.replace(path)


def _quoted_list_item(path: Path) -> str:
    """A path as the only item of a list setting in postgresql.conf."""
    item = str(path).replace('"', '""')
    return "'" + f'"{item}"'.replace("\\", "\\\\").replace("'", "''") + "'"
