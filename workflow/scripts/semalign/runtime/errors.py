"""Exceptions whose message is all that a user needs."""


class InputError(Exception):
    """A file, a config key or the environment is wrong; the message names it and says what is right.

    A job that raises it ends with this one message and no traceback (see `semalign.runtime.job`).
    """


class ProcessError(Exception):
    """One of a training's processes failed; the message says what the job is to tell of it."""
