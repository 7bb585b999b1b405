"""Enough of gevent that the exported script can be read without it."""


def sleep(seconds=0):
    """Does not sleep."""
