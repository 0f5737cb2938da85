"""Where bytes come from: installed packages, downloads, archives."""

from hardiness.sources.files import DiskFile, Stamp, TarMember

__all__ = ["DiskFile", "Stamp", "TarMember"]
