"""Writing files whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def write_whole(path: str | os.PathLike[str], data: bytes | str) -> Path:
    """
    Write ``data`` to ``path`` so that a reader sees the old file or the new one, never a part.

    The data goes to a temporary file beside the target, which is then renamed over it.

    Parameters
    ----------
    path : path-like
        Where to write; the folder must exist.
    data : bytes or str
        The whole content; text is encoded as UTF-8.

    Returns
    -------
    pathlib.Path
        The path that was written.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written, or the path is a folder; nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/a.txt", "whole").read_text()
    'whole'
    """
    target = Path(path).resolve()  # through a link, to the file that it stands for
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into")
    if target.is_dir():
        raise IsADirectoryError(f"{str(target)!r} is a folder; a file needs a name of its own in it")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"{str(target)!r} can't be written to; choose another name, or allow it")
    content = data.encode("utf-8") if isinstance(data, str) else data
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
    try:
        _replace(target, content, mode)
    except OSError as error:
        raise type(error)(f"can't write {str(target)!r}: {error.strerror or error}") from error
    return target


def _replace(target: Path, content: bytes, mode: int) -> None:
    """Write beside the target, then rename over it."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".minigrad-")
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        beside.chmod(mode)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _umask() -> int:
    """Return the process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
