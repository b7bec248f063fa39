"""How a function that can't be replayed says so."""


class CaptureWarning(UserWarning):
    """A function can't be replayed, and runs as it is."""
