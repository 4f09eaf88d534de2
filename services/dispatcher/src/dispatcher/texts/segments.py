"""How many parts of an SMS are paid for (3GPP TS 23.038, 23.040)."""

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")
"""Two septets each."""


def segments(text: str) -> int:
    """Parts of this text: 160 septets or 70 UTF-16 units in one, 153 or 67 in each of several.

    A pair that stands for one character (an emoji; an escaped GSM letter) is never split over two parts.
    """
    if all(char in GSM_BASIC or char in GSM_EXTENDED for char in text):
        return _parts([2 if char in GSM_EXTENDED else 1 for char in text], single=160, part=153)
    return _parts([2 if char > "\uffff" else 1 for char in text], single=70, part=67)


def _parts(widths: list[int], *, single: int, part: int) -> int:
    if sum(widths) <= single:
        return 1
    parts, filled = 1, 0
    for width in widths:
        if filled + width > part:
            parts, filled = parts + 1, 0
        filled += width
    return parts
