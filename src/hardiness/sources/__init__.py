"""Where bytes come from: installed packages, downloads, archives."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from hardiness.sources.archives import is_outside, move_into, unpack
    from hardiness.sources.downloads import (
        OFFLINE,
        WAIT_S,
        Checksum,
        LockedError,
        Progress,
        RemoteFile,
        check_hash,
        check_hub_files,
        fetch,
        file_lock,
        hub_folder,
        offline,
        refuse_full_disk,
    )
    from hardiness.sources.files import (
        TORCHS_ADVICE,
        DiskFile,
        Stamp,
        TarMember,
        open_regular,
        read_regular,
        refuse_bomb,
        shown,
        video_facts,
    )
    from hardiness.sources.packages import cache_folder, file_sha256, installed_file, pin, pinned, pins_file
    from hardiness.sources.tables import (
        HUB,
        from_hub,
        is_shard,
        parquet_class_names,
        parquet_files,
        parquet_rows,
        webdataset_samples,
    )
    from hardiness.sources.wheels import PackagedFile, obtain_packaged
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "HUB",
    "OFFLINE",
    "TORCHS_ADVICE",
    "WAIT_S",
    "Checksum",
    "DiskFile",
    "LockedError",
    "PackagedFile",
    "Progress",
    "RemoteFile",
    "Stamp",
    "TarMember",
    "cache_folder",
    "check_hash",
    "check_hub_files",
    "fetch",
    "file_lock",
    "file_sha256",
    "from_hub",
    "hub_folder",
    "installed_file",
    "is_outside",
    "is_shard",
    "move_into",
    "obtain_packaged",
    "offline",
    "open_regular",
    "parquet_class_names",
    "parquet_files",
    "parquet_rows",
    "pin",
    "pinned",
    "pins_file",
    "read_regular",
    "refuse_bomb",
    "refuse_full_disk",
    "shown",
    "unpack",
    "video_facts",
    "webdataset_samples",
]
