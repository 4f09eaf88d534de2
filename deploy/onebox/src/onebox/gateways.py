"""Looking at the gateways without sending anything (`vestnik check`)."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import aiosmtplib

from dispatcher.channels.email import envelope_address
from dispatcher.channels.smsaero_client import NoAnswer, NotSent, Refused, SmsAeroClient
from dispatcher.channels.smtp_pool import Connection, Server
from dispatcher.channels.vapid import public_key, subject, vapid_key
from onebox.finding import Finding, bad, good
from print_queue.document import BatchDocument
from print_queue.typeset import typeset
from shared.settings import Settings

PATIENCE = 15  # seconds for a gateway to answer
APPROVED = 1  # SMS Aero's status of a signature
COMMON_SIGN = "SMS Aero"
"""The gateway's own signature, everybody's; it is in no customer's list."""

_SMTP_STEPS = (
    "соединиться не удалось: проверьте адрес, порт и starttls в VESTNIK_SMTP_URL и сетевой экран",
    "сервер не принял имя и пароль: проверьте их в VESTNIK_SMTP_URL",
    "сервер не берёт писем от этого отправителя: проверьте VESTNIK_MAIL_FROM",
)


async def mail(settings: Settings) -> list[Finding]:
    """Connect, STARTTLS, log in, name the sender, leave."""
    if settings.smtp_url is None or settings.mail_from is None:
        return [good("Почта", "выключена (VESTNIK_SMTP_URL не задан).")]
    server = Server.parse(settings.smtp_url.get_secret_value())
    connection = Connection(server, timeout=PATIENCE)
    step = 0
    try:
        sender = envelope_address(settings.mail_from.rpartition("<")[2].rstrip("> "))
        await connection.open()
        step = 1
        await connection.login()
        step = 2
        await connection.client.mail(sender)
        transport = connection.client.transport
        ciphered = transport is not None and transport.get_extra_info("ssl_object") is not None
    except aiosmtplib.SMTPResponseException as refused:
        return [bad("Почта", f"{_SMTP_STEPS[step]} (ответ {refused.code}).")]
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as broken:
        return [bad("Почта", f"{_SMTP_STEPS[step]} ({type(broken).__name__}).")]
    finally:
        await connection.close()
    tls = "соединение зашифровано" if ciphered else "соединение не зашифровано"
    return [good("Почта", f"сервер {server.host} принимает письма, {tls}; ничего не отправлено.")]


async def sms(settings: Settings) -> list[Finding]:
    """Ask for the balance and the signatures."""
    if settings.smsaero_email is None or settings.smsaero_api_key is None:
        return [good("SMS", "выключены (VESTNIK_SMSAERO_EMAIL не задан).")]
    client = SmsAeroClient(
        email=settings.smsaero_email,
        api_key=settings.smsaero_api_key.get_secret_value(),
        sign=settings.smsaero_sign,
        url=settings.smsaero_url,
        timeout=PATIENCE,
    )
    try:
        left = await asyncio.to_thread(client.roubles)
        signs = _signatures(await asyncio.to_thread(client.sign_list))
    except Refused as refused:
        if refused.status in {401, 403}:
            what = "SMS Aero не узнаёт нас: проверьте VESTNIK_SMSAERO_EMAIL и VESTNIK_SMSAERO_API_KEY."
            return [bad("SMS", what)]
        return [bad("SMS", f"SMS Aero отказывает (ответ {refused.status}).")]
    except (NotSent, NoAnswer) as away:
        return [bad("SMS", f"SMS Aero не отвечает ({away}): проверьте сеть и VESTNIK_SMSAERO_URL.")]
    if left <= 0:
        return [bad("SMS", f"на счёте {left:.2f} ₽: пополните его, до этого SMS не уйдут.")]
    if settings.smsaero_sign != COMMON_SIGN and settings.smsaero_sign not in signs:
        what = f"подписи «{settings.smsaero_sign}» у SMS Aero нет или она не одобрена: VESTNIK_SMSAERO_SIGN."
        return [bad("SMS", what)]
    return [good("SMS", f"на счёте {left:.2f} ₽, подпись «{settings.smsaero_sign}».")]


def _signatures(listed: Any) -> Iterable[str]:
    """Approved ones of the gateway's list, whose rows are keyed by number."""
    rows = [row for key, row in listed.items() if str(key).isdigit()] if isinstance(listed, dict) else []
    return {row["name"] for row in rows if isinstance(row, dict) and row.get("status") == APPROVED}


async def push(settings: Settings) -> list[Finding]:
    """The key loads, and push services have somebody to write to."""
    try:
        public_key(vapid_key(settings))
    except Exception as wrong:  # noqa: BLE001 - whatever the library calls a bad key
        what = f"ключ VESTNIK_VAPID_PRIVATE_KEY не читается ({type(wrong).__name__})."
        return [bad("Push", f"{what} Уберите его, и будет сделан новый; подписки придётся оформить заново.")]
    if subject(settings).endswith("@localhost"):
        what = "задайте VESTNIK_VAPID_SUBJECT, mailto:адрес_школы: без него часть push-служб отказывает."
        return [bad("Push", what)]
    return [good("Push", "ключ на месте, служба знает, кому писать о неполадках.")]


async def typesetting() -> list[Finding]:
    """A batch of one page, through the very program that makes the sheets."""
    now = datetime.now(UTC)
    document = BatchDocument(
        batch_id="check",
        school="Проверка",
        class_name="1А",
        week=f"{now:%G}-W{now:%V}",
        period_from=now.date(),
        period_to=now.date(),
        created_at=now,
    )
    done = await asyncio.to_thread(typeset, document)
    return [good("Вёрстка", f"шрифты и Typst на месте, пробный лист {len(done.pdf) // 1024} КБ.")]
