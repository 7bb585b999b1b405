"""The runners that the script tells apart."""


class MasterRunner:
    """A master."""


class WorkerRunner:
    """A worker."""
