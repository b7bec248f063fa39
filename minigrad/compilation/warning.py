"""How a function says that it can't be replayed, or is not what it was."""


class CaptureWarning(UserWarning):
    """A function can't be replayed, and runs as it is."""


class NotTheSameError(AssertionError):
    """A checked function did something else than its program says."""
