"""The check a push service makes of who sends: VAPID, RFC 8292."""

import base64
import binascii
import json
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

LONGEST = 24 * 3600
LEEWAY = 60


class NotVapidError(Exception):
    """Says what is wrong with the Authorization header. `status`: 401 absent or unreadable, 403 not valid."""

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.status = status


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check(header: str, *, origin: str, key: str | None = None) -> dict[str, object]:
    """The claims, after signature, `aud` (our origin), `exp` (ahead, at most 24 h) and `sub` are right.

    `key`: the applicationServerKey the subscription was made with, if it was made with one.
    """
    token, public = _parts(header)
    try:
        signed, _, signature = token.rpartition(".")
        head, _, body = signed.partition(".")
        head_said, claims = json.loads(unb64url(head)), json.loads(unb64url(body))
        raw = unb64url(signature)
        sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64url(public))
    except (ValueError, binascii.Error) as error:
        raise NotVapidError("the token or the key cannot be read", 401) from error
    if head_said.get("alg") != "ES256" or len(raw) != 64:
        raise NotVapidError("the token is not signed with ES256")
    half = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    try:
        sender.verify(half, signed.encode(), ec.ECDSA(SHA256()))
    except InvalidSignature as error:
        raise NotVapidError("the signature is not the key's") from error
    if key is not None and unb64url(public) != unb64url(key):
        raise NotVapidError("the subscription belongs to another key")
    _check_claims(claims, origin)
    return dict(claims)


def _check_claims(claims: dict[str, object], origin: str) -> None:
    if claims.get("aud") != origin:
        raise NotVapidError(f"aud is {claims.get('aud')!r}, this is {origin!r}")
    expires, now = claims.get("exp"), time.time()
    if not isinstance(expires, int | float) or not now - LEEWAY < expires <= now + LONGEST + LEEWAY:
        raise NotVapidError("exp must be ahead, by 24 hours at most")
    if not str(claims.get("sub", "")).startswith(("mailto:", "https://")):
        raise NotVapidError("sub must be a mailto: or https: address")


def _parts(header: str) -> tuple[str, str]:
    scheme, _, rest = header.partition(" ")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if scheme.lower() != "vapid" or not fields.get("t") or not fields.get("k"):
        raise NotVapidError("Authorization must be `vapid t=…, k=…`", 401)
    return fields["t"], fields["k"]
