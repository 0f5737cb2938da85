"""Package indexes: the one that is set, and the newest wheel of a package on it."""

from __future__ import annotations

import base64
import configparser
import json
import os
import re
import sys
from contextlib import suppress
from html.parser import HTMLParser
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import platformdirs

from hardiness.core.errors import DataError
from hardiness.sources.downloads import RemoteFile
from hardiness.sources.http import InterruptedTransferError, RefusedTransferError, ask, with_download_errors

PUBLIC_INDEX = "https://pypi.org/simple"
INDEX_VARIABLES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")


def index_address() -> str:
    """The package index that pip or uv is set to by an environment variable or pip's files; else the public one."""
    for variable in INDEX_VARIABLES:
        if os.environ.get(variable):
            return os.environ[variable]
    own_file = os.environ.get("PIP_CONFIG_FILE")
    folders = [Path(sys.prefix), Path(platformdirs.user_config_dir("pip")), Path(platformdirs.site_config_dir("pip"))]
    for file in [
        *([Path(own_file)] if own_file else []),
        *(folder / "pip.conf" for folder in folders),
        Path("/etc/pip.conf"),
    ]:
        settings = configparser.RawConfigParser()
        with suppress(OSError, UnicodeDecodeError, configparser.Error):
            settings.read_string(file.read_text("utf-8"))
        for section in ("download", "global"):
            if address := settings.get(section, "index-url", fallback=""):
                return address
    return PUBLIC_INDEX


class _Site(NamedTuple):
    """An address without the name and password that stood before its host.

    Attributes:
        address: as it may be shown.
        authorization: the header that tells the server them; empty where there were none.
    """

    address: str
    authorization: str

    @classmethod
    def of(cls, address: str) -> _Site:
        """The two parts of an address."""
        parts = urlsplit(address)
        login, _, host = parts.netloc.rpartition("@")
        if not login:
            return cls(address, "")
        name, _, password = login.partition(":")
        digits = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
        return cls(parts._replace(netloc=host).geturl(), f"Basic {digits}")

    @classmethod
    def of_index(cls, address: str) -> _Site:
        """The two parts of an index's address.

        Raises:
            DataError: it is none, or a password may stand behind its host. The message does not repeat it.
        """
        try:
            parts = urlsplit(address)
            is_address = bool(parts.scheme) and (parts.port is None or parts.port > 0)
        except ValueError:
            is_address = False
        if not is_address or re.search("[^/]@", parts._replace(scheme="", netloc="").geturl()):
            raise DataError(
                f"the package index must be an address as in https://NAME:PASSWORD@HOST/simple, with / ? # @ in the "
                f"password as %2F %3F %23 %40; mend {', '.join(INDEX_VARIABLES)} or pip.conf, whichever is set"
            )
        return cls.of(address)

    def authorization_at(self, address: str) -> str:
        """The header for another address: the same on the same host, by the same protocol; else none."""
        ours, theirs = urlsplit(self.address), urlsplit(address)
        return self.authorization if (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc) else ""


_PAGE = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
_MOST_BYTES_OF_PAGE = 1 << 25


def newest_wheel(package: str, index: str) -> RemoteFile:
    """The wheel for every system of the newest release that is final and not withdrawn.

    A name and password before the index's host go to that host alone, and into no message.

    Raises:
        DataError: the index cannot be asked, or lists no such wheel; the message says at which address.
    """
    site = _Site.of_index(index)
    page = f"{site.address.rstrip('/')}/{re.sub(r'[-_.]+', '-', package).lower()}/"
    try:
        with ask(page, 0, accept=_PAGE, authorization=site.authorization) as answer:
            content = with_download_errors(lambda: answer.stream.read(_MOST_BYTES_OF_PAGE))
    except (InterruptedTransferError, RefusedTransferError) as error:
        raise DataError(f"{page} {error}") from None
    files = [file for file in _listed_files(content, page, site) if file.name.endswith("-none-any.whl")]
    wheels = [(_release(file.name), file) for file in files]
    final = [(release, file) for release, file in wheels if release]
    if not final:
        raise DataError(f"{page} lists no wheel for every system")
    return max(final, key=itemgetter(0))[1]


def _release(wheel: str) -> tuple[int, ...]:
    """The numbers of a wheel's release; none where it is a release before the final one, or the name has none."""
    version = wheel.split("-")[1] if wheel.count("-") >= 4 else ""
    return tuple(map(int, version.split("."))) if re.fullmatch(r"\d+(\.\d+)*", version) else ()


def _listed_files(content: bytes, page: str, site: _Site) -> list[RemoteFile]:
    """The files of an index's page that are not withdrawn, in JSON (PEP 691) or HTML (PEP 503)."""
    try:
        entries = json.loads(content)["files"]
        links = [_Link(entry["url"], entry["hashes"].get("sha256", ""), bool(entry.get("yanked"))) for entry in entries]
    except ValueError:
        reader = _LinkReader()
        reader.feed(content.decode("utf-8", "replace"))
        links = reader.links
    except (KeyError, TypeError, AttributeError):
        raise DataError(f"{page} is no page of a package index") from None
    sites = [(_Site.of(urljoin(page, link.address)), link) for link in links if not link.withdrawn]
    return [
        RemoteFile(
            unquote(urlsplit(file.address).path).rpartition("/")[2],
            (file.address,),
            link.sha256 and f"sha256:{link.sha256}",
            authorization=file.authorization or site.authorization_at(file.address),
        )
        for file, link in sites
    ]


class _Link(NamedTuple):
    """A file on an index's page: its address, its hexadecimal sha256 where that is said, whether it is withdrawn."""

    address: str
    sha256: str
    withdrawn: bool


class _LinkReader(HTMLParser):
    """A reader of the links of a page in HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[_Link] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "a" and (href := attributes.get("href")):
            address, fragment = urldefrag(href)
            self.links.append(
                _Link(
                    address,
                    fragment.removeprefix("sha256=") if "sha256=" in fragment else "",
                    "data-yanked" in attributes,
                )
            )
