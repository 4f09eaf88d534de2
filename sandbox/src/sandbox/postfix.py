"""A real Postfix of Debian, private to one test or demo: its own configuration, queue, log and ports.

What it hosts and how it says no is in `CONFIGURATION`; mail it accepted for `mail.example` goes by LMTP
to a `sandbox.mailstore.Mailstore`, which may refuse it still, and then Postfix writes the bounce. It
starts only as root, for its daemons change to the user `postfix`.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.certificates import self_signed
from sandbox.mailstore import Mailstore
from sandbox.postfix_neighbours import PASSWORD, Logins, Policy

CONFIGURATION = """
compatibility_level = 3.6
myhostname = mx.mail.example
mydestination =
mynetworks = 192.0.2.0/24
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
smtp_host_lookup = native
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
alias_maps =
local_recipient_maps =
local_transport = error:5.1.1 nobody is local here
recipient_delimiter = +

# What it hosts: mail.example with a list of mailboxes; relay.example leads nowhere, and it finds out later.
virtual_mailbox_domains = mail.example
virtual_mailbox_maps = texthash:{folder}/conf/mailboxes
virtual_transport = lmtp:inet:127.0.0.1:{store}
relay_domains = relay.example, moved.example
relay_transport = smtp:[127.0.0.1]:{closed}
transport_maps = texthash:{folder}/conf/transport

# How it says no.
message_size_limit = {largest}
smtpd_helo_required = yes
smtpd_sender_restrictions = check_sender_access texthash:{folder}/conf/senders
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions =
    check_recipient_access texthash:{folder}/conf/recipients,
    check_policy_service inet:127.0.0.1:{policy}
header_checks = regexp:{folder}/conf/headers
smtpd_error_sleep_time = 0
smtpd_client_event_limit_exceptions =

# A message is tried once, so that what is unreachable comes back at once.
maximal_queue_lifetime = 0
bounce_queue_lifetime = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
lmtp_connection_cache_on_demand = no

smtpd_tls_cert_file = {folder}/conf/cert.pem
smtpd_tls_key_file = {folder}/conf/key.pem
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{logins}
"""

# service type private unpriv chroot wakeup maxproc command
_MASTER = """
127.0.0.1:{plain} inet n - n - - smtpd
127.0.0.1:{tls} inet n - n - - smtpd
    -o smtpd_tls_wrappermode=yes
127.0.0.1:{strict} inet n - n - - smtpd
    -o smtpd_tls_security_level=encrypt
    -o smtpd_sasl_auth_enable=yes
    -o smtpd_client_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{narrow} inet n - n - - smtpd
    -o smtpd_client_connection_count_limit=1
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

_MAILBOXES = "@grey.example x\n" + "".join(
    f"{name}@mail.example x\n"
    for name in (
        "anna",
        "boris",
        "late-gone",
        "late-full",
        "late-policy",
        "policy",
        "grey",
        "full",
        "overfull",
    )
)
_RECIPIENTS = """policy@mail.example REJECT
moved.example 550 5.1.2 Domain not found
closed@mail.example 550 5.2.1 Mailbox disabled
"""
_SENDERS = "stranger@school.example REJECT\n"
_HEADERS = """/^Subject: .*cheap pills/ REJECT
/^X-Alignment: none/ REJECT 5.7.26 Unauthenticated mail is not accepted due to the domain's DMARC policy
"""
LARGEST = 60_000
_PORTS = ("plain", "tls", "strict", "narrow", "closed")


class PostfixUnavailable(Exception):
    """Why there is no Postfix here, in a sentence."""


def unavailable() -> str | None:
    """Why it cannot be started here; None if it can."""
    if shutil.which("postfix") is None:
        return "no Postfix here (apt-get install postfix)"
    return None if os.geteuid() == 0 else "Postfix starts only as root"


class Postfix:
    """`async with Postfix(folder) as server`: `url()` is where to hand mail over. The folder must let the
    user `postfix` in. Mail for the addresses or domains of `routes` goes by
    LMTP to a port of this machine."""

    def __init__(self, folder: Path, *, routes: dict[str, int] | None = None) -> None:
        self._folder = folder
        self._routes = routes or {}
        self.store = Mailstore()
        self.policy = Policy()
        self._logins = Logins()
        self._ports: dict[str, int] = {}

    def url(self, service: str = "plain", *, login: str | None = None, host: str = "127.0.0.1") -> str:
        """As VESTNIK_SMTP_URL wants it. Services: `plain` (STARTTLS offered), `tls` (at once), `strict`
        (TLS and a login before all else), `narrow` (one connection at a time)."""
        scheme = "smtps" if service == "tls" else "smtp"
        who = f"{login}:{PASSWORD}@" if login else ""
        return f"{scheme}://{who}{host}:{self._ports[service]}"

    def port(self, service: str = "plain") -> int:
        return self._ports[service]

    @property
    def certificate(self) -> Path:
        """What a client has to trust; it is for `localhost`."""
        return self._folder / "conf" / "cert.pem"

    @property
    def log(self) -> str:
        path = self._folder / "log" / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    async def start(self) -> Self:
        if (why := unavailable()) is not None:
            raise PostfixUnavailable(why)
        for neighbour in (self.store, self.policy, self._logins):
            await neighbour.start()
        try:
            self._ports = _free_ports(_PORTS)
            await asyncio.to_thread(self._write)
            await asyncio.to_thread(self._postfix, "start")
        except BaseException:
            await self.stop()
            raise
        return self

    async def stop(self) -> None:
        """Also after a start that failed half way."""
        await asyncio.to_thread(self._kill)
        for neighbour in (self.store, self.policy, self._logins):
            await neighbour.stop()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _write(self) -> None:
        for name in ("conf", "queue", "log"):
            (self._folder / name).mkdir(mode=0o755)
        (self._folder / "data").mkdir(mode=0o700)
        shutil.chown(self._folder / "data", "postfix")
        facts = {
            **self._ports,
            "folder": self._folder,
            "store": self.store.port,
            "policy": self.policy.port,
            "logins": self._logins.port,
            "largest": LARGEST,
        }
        routes = "".join(f"{domain} lmtp:inet:127.0.0.1:{port}\n" for domain, port in self._routes.items())
        certificate, key = self_signed("localhost")
        files = {
            "main.cf": CONFIGURATION.format(**facts),
            "master.cf": _MASTER.format(**facts),
            "mailboxes": _MAILBOXES,
            "recipients": _RECIPIENTS,
            "senders": _SENDERS,
            "headers": _HEADERS,
            "transport": routes,
            "cert.pem": certificate,
            "key.pem": key,
        }
        for name, text in files.items():
            (self._folder / "conf" / name).write_text(text)

    def _postfix(self, command: str) -> None:
        done = subprocess.run(  # noqa: S603 - our own command
            ["/usr/sbin/postfix", "-c", str(self._folder / "conf"), command],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        if done.returncode != 0:
            raise PostfixUnavailable(f"postfix {command}: {done.stderr.strip()} {self.log[-2000:]}")

    def _kill(self) -> None:
        """The master of this folder and what it started; nobody else's."""
        file = self._folder / "queue" / "pid" / "master.pid"
        if not file.exists():
            return
        master = int(file.read_text())
        for asked in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(master, asked)
            until = time.monotonic() + 10
            while _alive(master) and time.monotonic() < until:
                time.sleep(0.02)


def _alive(process: int) -> bool:
    """A zombie nobody waits for is not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _free_ports(names: tuple[str, ...]) -> dict[str, int]:
    """Held together while they are chosen, so that they differ."""
    probes = {name: socket.create_server(("127.0.0.1", 0)) for name in names}
    ports = {name: probe.getsockname()[1] for name, probe in probes.items()}
    for probe in probes.values():
        probe.close()
    return ports
