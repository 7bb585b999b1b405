"""The measuring half of benches/scale.sh.

The cost of a size is the processor time of a whole process, the median of several runs, without that of
the smallest run, which is what a process costs by itself. The exponent of the growth is the slope of a
line through the logarithms: 1 where ten times as much costs ten times as much.
"""

import json
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM, PEERS = os.environ["PAYOUT_NOTIFY"], os.environ["PEERS"]
MOST = int(os.environ.get("SCALE_MOST", 1_000_000))
SIZES = [size for size in (1_000, 10_000, 100_000, 1_000_000) if size <= MOST]
# Small sizes vary more and take no time.
RUNS = {1: 9, 1_000: 9, 10_000: 5, 100_000: 3, 1_000_000: 1}
KEY = "ThisIsYourSecretKey123"
ENVIRONMENT = {**os.environ, "PAYOUT_NOTIFY_KEY": KEY, "LC_ALL": "C"}


def processor_time(arguments, codes=(0,)):
    """Runs the program to its end; returns the seconds of processor time."""
    child = subprocess.Popen([PROGRAM, *arguments], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return ended(child, codes)


def ended(child, codes=(0,)):
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in codes:
        sys.exit(f"{' '.join(map(str, child.args))} ended with {child.returncode}")
    return used.ru_utime + used.ru_stime


def unsigned(number):
    return (f'{{"payout_id":"POT{number:08}","payout_cl_id":"97a968b4a9db497c8c03198e{number:08x}",'
            f'"platform_id":"PF0014","amount":400000,"real_amount":400000,"fee":3200,"status":3,'
            f'"create_time":1567614049,"update_time":1567614111}}\n')


class Bench:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.sink = None

    def lines(self, command, size):
        path = self.folder / f"{command}-{size}.ndjson"
        if not path.exists():
            given = self.folder / f"given-{size}.ndjson"
            with given.open("w") as file:
                file.writelines(map(unsigned, range(size)))
            if command == "sign":
                given.rename(path)
            else:
                with path.open("w") as file:
                    subprocess.run([PROGRAM, "sign", "--lines", given], env=ENVIRONMENT, stdout=file,
                                   stderr=subprocess.DEVNULL, check=True)
        return processor_time([command, "--lines", "--jobs", "1", path])

    def orders(self, size):
        if self.sink is None:
            self.sink = subprocess.Popen([PEERS, "sink"], stdout=subprocess.PIPE, text=True)
            self.url = self.sink.stdout.readline().strip()
        return processor_time(["simulate", self.url, "--count", str(size), "--concurrency", "64"])

    def callbacks(self, inbox, size):
        """What the listener uses for so many callbacks."""
        for old in self.folder.glob("inbox*"):
            old.unlink()
        kept = ["--inbox", self.folder / "inbox"] if inbox else ["--no-inbox"]
        listener = subprocess.Popen([PROGRAM, "listen", "--bind", ":0", "--quiet", *kept], env=ENVIRONMENT,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, text=True)
        url = ""
        while "http://" not in url:
            url = listener.stdout.readline()
            if not url:
                sys.exit("the listener said no address")
        url = next(word for word in url.split() if word.startswith("http://")).rstrip("/") + "/notify"
        processor_time(["simulate", url, "--count", str(size), "--concurrency", "64"])
        listener.send_signal(signal.SIGTERM)
        rest = listener.stdout.read()
        used = ended(listener, (0, 143, -15))
        if f"{size} callback" not in rest.replace(",", ""):
            sys.exit(f"not every callback arrived: {rest}")
        return used

    def search(self, size):
        """A signature that no mistake explains, over so many fields."""
        fields = json.loads(unsigned(1))
        fields.update({f"field_{number:03}": f"value {number}" for number in range(size - len(fields) - 1)})
        fields["sign"] = "0123456789abcdef" * 2
        path = self.folder / "mismatch.json"
        path.write_text(json.dumps(fields))
        return processor_time(["verify", path], codes=(1,))

    def close(self):
        if self.sink is not None:
            self.sink.kill()
            self.sink.wait()


def slope(points):
    xs, ys = zip(*((math.log(size), math.log(cost)) for size, cost in points))
    return statistics.linear_regression(xs, ys).slope


def show(name, unit, sizes, cost, base, runs):
    fixed = statistics.median(cost(base) for _ in range(runs(base))) if base else 0
    points = []
    for size in sizes:
        found = statistics.median(cost(size) for _ in range(runs(size)))
        points.append((size, max(found - fixed, 1e-6)))
    columns = "".join(f"{seconds * 1e6 / size:12.3f}" for size, seconds in points)
    exponent = slope(points)
    print(f"{name:24}{columns}   µs per {unit:9} exponent {exponent:.2f}", flush=True)
    return exponent


def main():
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder)
        try:
            print("processor time" + " " * 10 + "".join(f"{size:12,}" for size in SIZES))
            usual = [
                ("sign --lines", "line", lambda size: bench.lines("sign", size)),
                ("verify --lines", "line", lambda size: bench.lines("verify", size)),
                ("simulate", "order", bench.orders),
                ("listen", "callback", lambda size: bench.callbacks(False, size)),
                ("listen, with an inbox", "callback", lambda size: bench.callbacks(True, size)),
            ]
            greatest = max(show(name, unit, SIZES, cost, 1, RUNS.get) for name, unit, cost in usual)
            fields = [10, 30, 100]
            print("\nprocessor time" + " " * 10 + "".join(f"{size:12}" for size in fields))
            search = show("verify, no mistake fits", "field", fields, bench.search, 0, lambda _: 5)
            print(f"\nthe greatest exponent: {greatest:.2f} of sizes, {search:.2f} of the search")
        finally:
            bench.close()


if __name__ == "__main__":
    main()
