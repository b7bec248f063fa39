"""What commands leave behind: a folder that can be written to, files, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


def folder_named(out: str) -> Path:
    """Return the folder that ``--out`` names."""
    if not out:
        raise ValueError("--out is empty; name a folder")
    return Path(out)


def make_writable(folder: Path) -> None:
    """Make the folder, and find out before hours of work whether it can be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".minigrad-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(
            f"can't write to the folder {str(folder)!r}: {error.strerror}; choose another with --out"
        ) from None


def write_all(folder: Path, files: Mapping[str, str | bytes]) -> list[Path]:
    """Write files that are finished, each whole or not at all; make the folder if it is not there."""
    from minigrad.files import write_whole

    make_writable(folder)
    for name, content in files.items():
        write_whole(folder / name, content)
    return [folder / name for name in files]


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """
    Return a table with columns of equal width.

    Examples
    --------
    >>> print(aligned(["layer", "left"], [["1", "12 of 32"], ["output", "10"]]))
    layer   left
    1       12 of 32
    output  10
    """
    lines = [header, *rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )
