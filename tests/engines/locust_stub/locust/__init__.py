"""Enough of Locust's names that the exported script can be read, and its orders made, without it."""


class FastHttpUser:
    """A user that sends nothing."""


class LoadTestShape:
    """A shape that shapes nothing."""


class Hook:
    """An event that never comes."""

    def add_listener(self, listener):
        """Takes a listener, as a decorator."""
        return listener


class events:
    """The events that the script listens to."""

    init = Hook()
    test_start = Hook()


def task(function):
    """Marks a task."""
    return function
