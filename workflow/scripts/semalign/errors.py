"""The one exception that a user causes and can mend."""


class InputError(Exception):
    """A file, a config key or the environment is wrong; the message names it and says what is right.

    A job that raises it ends with this one message and no traceback (see `semalign.job`).
    """
