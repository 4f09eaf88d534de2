"""Style sheets, pictures and scripts: read once, addressed by their content, kept by browsers for a year."""

import hashlib
import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from starlette.responses import Response

_FOREVER = "public, max-age=31536000, immutable"
_LOOK_AGAIN = "public, no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    name: str
    content: bytes
    media_type: str

    @property
    def address(self) -> str:
        """`style.3f9a…c1.css`"""
        stem, _, ending = self.name.rpartition(".")
        return f"{stem}.{hashlib.sha256(self.content).hexdigest()[:16]}.{ending}"


class Assets:
    """The files in `static/` of these packages; a later package's file hides an earlier one's."""

    def __init__(self, packages: Iterable[str]) -> None:
        self._by_name = {asset.name: asset for package in packages for asset in _read(package)}

    def address(self, name: str) -> str:
        return self._by_name[name].address

    def answer(self, address: str) -> Response | None:
        """The file; also under the address of another release, for a page that was open meanwhile."""
        stem, _, rest = address.partition(".")
        asset = self._by_name.get(f"{stem}.{rest.rpartition('.')[2]}")
        if asset is None:
            return None
        keep = _FOREVER if asset.address == address else _LOOK_AGAIN
        return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": keep})


@lru_cache
def _read(package: str) -> tuple[Asset, ...]:
    folder = files(package).joinpath("static")
    if not folder.is_dir():
        return ()
    return tuple(
        Asset(file.name, file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream")
        for file in folder.iterdir()
        if file.is_file()
    )
