"""The key that tells push services who sends (RFC 8292): from the settings, or made once and kept."""

import base64

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02  # type: ignore[import-untyped]

from shared.settings import Settings, kept_secret


def vapid_key(settings: Settings) -> Vapid02:
    """The installation's key. Changing it ends every subscription. Raises VapidException for a bad one."""
    if settings.vapid_private_key is not None:
        said = settings.vapid_private_key.get_secret_value()
    else:
        said = kept_secret(settings.data / "vapid.key", _new)
    said = said.strip()
    if said.startswith("-----"):
        return Vapid02.from_pem(said.encode())
    return Vapid02.from_string(said)


def public_key(key: Vapid02) -> str:
    """The applicationServerKey for browsers: the uncompressed point in base64url."""
    point = key.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def subject(settings: Settings) -> str:
    """Whom a push service may write to: VESTNIK_VAPID_SUBJECT, else the mail's sender, else our address."""
    if settings.vapid_subject:
        return settings.vapid_subject
    if settings.mail_from:
        return f"mailto:{settings.mail_from.rpartition('<')[2].rstrip('> ')}"
    return settings.public_url if settings.public_url.startswith("https://") else "mailto:vestnik@localhost"


def _new() -> str:
    key = Vapid02()
    key.generate_keys()
    number = key.private_key.private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
