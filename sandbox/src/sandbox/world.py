"""The outside world in one piece: the three gateways, started together in this loop."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from sandbox.inbox import Inbox
from sandbox.push import PushService
from sandbox.smsaero import SmsAero


class World:
    """`async with World(out=folder) as world`: `inbox`, `sms` and `push` on free loopback ports.

    With `out` each message is also a file under `out/email`, `out/sms`, `out/push`.
    """

    def __init__(
        self,
        *,
        out: Path | None = None,
        inbox_port: int = 0,
        sms_port: int = 0,
        push_port: int = 0,
        inbox_control_port: int = 0,
    ) -> None:
        self.inbox = Inbox(
            port=inbox_port, control_port=inbox_control_port, folder=out / "email" if out else None
        )
        self.sms = SmsAero(port=sms_port, folder=out / "sms" if out else None)
        self.push = PushService(port=push_port, folder=out / "push" if out else None)
        self._stack = AsyncExitStack()

    @property
    def smtp_url(self) -> str:
        return self.inbox.url

    @property
    def sms_url(self) -> str:
        return self.sms.url

    @property
    def push_url(self) -> str:
        return self.push.url

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for server in (self.inbox, self.sms, self.push):
                await stack.enter_async_context(server)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def addresses(self) -> dict[str, Any]:
        """What another process needs to know to use and to control this world."""
        return {
            "smtp_url": self.smtp_url,
            "sms_url": self.sms_url,
            "sms_email": self.sms.email,
            "sms_api_key": self.sms.api_key,
            "push_url": self.push_url,
            "push_host": self.push.authority,
            "control": {
                "inbox": self.inbox.control_url,
                "sms": self.sms.control_url,
                "push": self.push.control_url,
            },
        }

    def settings(self) -> dict[str, str]:
        """The environment that points Vestnik at this world, which takes any number of messages."""
        return {
            "VESTNIK_SMTP_URL": self.smtp_url,
            "VESTNIK_SMSAERO_EMAIL": self.sms.email,
            "VESTNIK_SMSAERO_API_KEY": self.sms.api_key,
            "VESTNIK_SMSAERO_URL": self.sms_url,
            "VESTNIK_PUSH_HOSTS": self.push.authority,
            **{f"VESTNIK_{provider}_PER_SECOND": "10000" for provider in ("SMTP", "SMSAERO", "PUSH")},
        }
