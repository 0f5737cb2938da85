"""Where bytes come from: installed packages, downloads, archives."""

from hardiness.sources.files import DiskFile, TarMember

__all__ = ["DiskFile", "TarMember"]
