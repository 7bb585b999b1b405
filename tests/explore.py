"""Explores the merchants of tests/merchants/crash and prints what was found: explore.py PROGRAM [options]

    --merchant NAME    only this one, or all of a group: python, node, go, php, sound, abusive
    --seconds 60       within which a flaw must be found
    --seeds 20         seeds of one history each for each sound merchant
    --seed 1           the first seed
    --jobs 2           runs at a time
    --disk FOLDER      keeps the books on this small tmpfs, which the program fills now and then; with --jobs 1
    --keep FOLDER      keeps what the program printed where it did not end with 0

A flawed merchant must be found out (exit 1); in nine of ten or more, its shortest history must have at most four steps,
and fail again when it is replayed (a race may not). A sound one must not be accused, and fewer than one history in a hundred may be
inconclusive. An abusive one must end in the exit code that is right for it. Nothing may be left running. Ends with
1 where that is not so.
"""
import argparse, concurrent.futures, contextlib, json, os, random, re, shlex, shutil, signal, socket, subprocess, sys, tempfile, threading, time

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "merchants", "crash")
PYTHON = [sys.executable, "-S", "-E"]
SOUND = ["sqlite", "credits-only", "refunds-only", "outbox", "busy", "graceful", "slow-start", "refuses-late", "totals", "known-orders", "postgres"]
# One of these in its environment marks a process as started here, whatever became of its parents.
MARK = "PAYOUT_EXPLORE_FOLDER"


def source(name):
    return os.path.join(HERE, name)


def built_go():
    """The program of merchant.go, or nothing where Go is missing."""
    if not shutil.which("go"):
        return None
    folder = os.path.join(tempfile.gettempdir(), f"payout-explore-{os.getuid()}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    program = os.path.join(folder, "merchant")
    subprocess.run(["go", "build", "-o", program, source("merchant.go")], check=True, env={**os.environ, "GO111MODULE": "off"})
    return [program]


def merchants():
    """Each merchant's group, name and command, and what its judge must know."""
    bases = {"python": [*PYTHON, source("merchant.py")], "node": ["node", source("merchant.mjs")], "go": built_go(),
             "php": ["php", source("merchant.php")], "abusive": [*PYTHON, source("abusive.py")]}
    for group, base in bases.items():
        if base and shutil.which(base[0]):
            listed = subprocess.run([*base, "--list"], check=True, capture_output=True, text=True).stdout
            for line in listed.splitlines():
                name, note = line.split("\t")
                is_sound = name == "right"
                yield "sound" if is_sound else group, f"{group}:{name}", [*base, name], {} if is_sound else note
    for name in SOUND:
        yield "sound", f"sound:{name}", [*PYTHON, source("sound.py"), name], {}


def free_port():
    """A port below those that a system gives out: nobody else takes it before the merchant starts."""
    while True:
        port = random.randrange(15000, 30000)
        with socket.socket() as taken, contextlib.suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port


def left_running(folder):
    """The processes that carry the folder's mark: as id and command."""
    left = {}
    for one in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{one}/environ", "rb") as file:
                marked = f"{MARK}={folder}".encode() in file.read().split(b"\0")
            with open(f"/proc/{one}/cmdline", "rb") as file:
                command = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
            if marked and command:
                left[int(one)] = command
    return left


RUNNING, STOPPED = set(), threading.Event()


def stop(*_):
    """Ends the programs, so that they end their merchants, and then the servers."""
    STOPPED.set()
    for process in list(RUNNING):
        process.send_signal(signal.SIGINT)
    sys.exit("stopped")


class Run:
    """One run of the program; what it left running is ended, and named."""

    def __init__(self, arguments, folder, limit):
        if STOPPED.is_set():
            raise concurrent.futures.CancelledError
        began = time.monotonic()
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "PAYOUT_NOTIFY_KEY": "ThisIsYourSecretKey123", MARK: folder}
        with open(os.path.join(folder, "stdout"), "wb") as out, open(os.path.join(folder, "stderr"), "wb") as err:
            process = subprocess.Popen(arguments, cwd=folder, env=environment, stdout=out, stderr=err, start_new_session=True)
            RUNNING.add(process)
            try:
                self.code = process.wait(limit)
            except subprocess.TimeoutExpired:
                self.code = "hangs"
                process.kill()
                process.wait()
            RUNNING.discard(process)
        self.seconds = time.monotonic() - began
        # What was killed is given a moment to be gone.
        deadline = time.monotonic() + 1
        while (left := left_running(folder)) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.left = list(left.values())
        for one in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self.report = {}
        self.text = "".join(open(os.path.join(folder, name), errors="replace").read(1 << 20) for name in ("stdout", "stderr"))

    def laws(self):
        """The names of the broken laws."""
        return [one["id"] for one in self.report.get("results", []) if one["status"] == "failed"]


def explore(options, command, arguments, limit, server=None):
    """Runs the program before a merchant in a folder of its own; then its replay, where it found something."""
    with options.slots, tempfile.TemporaryDirectory(prefix="payout-explore-") as folder, contextlib.ExitStack() as stack:
        data, port = os.path.join(options.disk or folder, f"data-{os.path.basename(folder)}"), free_port()
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        os.makedirs(data)
        if server:
            with open(os.path.join(data, "postgres.socket"), "w") as file:
                file.write(server)
        start = shlex.join([*command, str(port), data])
        observe = shlex.join([*PYTHON, source("observe.py"), data])
        base = [options.program, "check", "--explore", "--start", start, "--observe", observe, f"http://127.0.0.1:{port}/notify"]
        if command[-1] == "known-orders":
            prepare = 'printf "%s %s\\n" "$PAYOUT_CHECK_ORDER" "$PAYOUT_CHECK_AMOUNT" >> "$0/orders.txt"'
            base += ["--prepare", shlex.join(["sh", "-c", prepare, data])]
        base += ["--disk", options.disk] if options.disk else []
        report = os.path.join(folder, "report.json")
        run = Run([*base, *arguments, "--bundle", "bundles", "--report", "json=report.json"], folder, limit)
        run.report, run.replay = load(report), None
        name = re.sub(r"\W+", "-", " ".join([os.path.basename(command[-2]), command[-1], *arguments[-2:]]))
        if options.keep and run.code != 0:
            with open(os.path.join(options.keep, name), "w") as file:
                file.write(run.text)
        if run.laws() and os.path.isdir(os.path.join(folder, "bundles")):
            # What the failure left may be what a merchant does not start with.
            shutil.rmtree(data)
            os.makedirs(data)
            run.replay = Run([*base, "--suite", "bundles"], folder, limit)
            if options.keep and run.replay.code != 1:
                with open(os.path.join(options.keep, name + "-replay"), "w") as file:
                    file.write(run.replay.text)
        return run


def load(path):
    with contextlib.suppress(OSError, ValueError):
        with open(path) as file:
            return json.load(file)
    return {}


def flawed(options, command, _):
    """A flaw is found in time, cut down, and fails again."""
    run = explore(options, command, ["--for", f"{options.seconds}s", "--seed", str(options.seed)], options.seconds + 240)
    found = re.search(r"found after (?:(\d+)m)?([\d.]+) ?m?s, (\d+) step", " ".join(run.text.split()))
    seconds, steps = (int(found[1] or 0) * 60 + float(found[2]), int(found[3])) if found else (run.seconds, 0)
    again = run.replay and run.replay.code == 1
    words = [f"{seconds:6.1f} s", f"{steps:2} steps", "fails again" if again else "NOT AGAIN", *run.laws()]
    faults = [] if run.code == 1 and run.laws() else [f"exit {run.code}, not found"]
    return run, words, faults, (steps, again)


def sound(options, command, known):
    """Nothing is found over many seeds of a history each, and few are inconclusive."""
    def one(seed):
        return seed, explore(options, command, ["--histories", "1", "--seed", str(seed)], 240, **known)

    seeds = range(options.seed, options.seed + options.seeds)
    accused, inconclusive, runs = [], 0, []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for seed, run in pool.map(one, seeds):
            inconclusive += any(result["status"] == "inconclusive" for result in run.report.get("results", []))
            accused += [f"seed {seed}: exit {run.code}, {' '.join(run.laws())}"] if run.code != 0 else []
            runs.append(run)
    accused += [f"{inconclusive} inconclusive"] if inconclusive * 100 >= len(runs) else []
    runs[0].left = [left for run in runs for left in run.left]
    return runs[0], [f"{len(runs)} seeds", f"{inconclusive} inconclusive"], accused, None


def abusive(options, command, codes):
    run = explore(options, command, ["--for", "15s", "--wait", "10s", "--seed", str(options.seed)], 240)
    faults = [] if str(run.code) in codes.split() else [f"exit {run.code}, not {codes}"]
    return run, [f"exit {run.code}", f"{run.seconds:6.1f} s", *run.laws()], faults, None


def chosen_merchants(names, is_disk, stack):
    for group, name, command, known in merchants():
        if names and not {group, name, name.split(":")[1]} & set(names):
            continue
        if command[-1] == "swallows-write-errors" and not is_disk:
            print(f"{name:40} left out: --disk FOLDER", flush=True)
            continue
        if name == "sound:postgres":
            if not postgres.programs():
                print(f"{name:40} left out: PostgreSQL is not installed", flush=True)
                continue
            known = {"server": stack.enter_context(postgres.server())}
        yield group, name, command, known


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=os.path.abspath)
    parser.add_argument("--merchant", action="append", default=[])
    parser.add_argument("--keep")
    parser.add_argument("--disk")
    for name, default in (("seconds", 60), ("seeds", 20), ("seed", 1), ("jobs", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    options.slots = threading.Semaphore(options.jobs)
    missed, found = [], []

    def judged(merchant):
        group, name, command, known = merchant
        judge = {"sound": sound, "abusive": abusive}.get(group, flawed)
        run, words, faults, steps = judge(options, command, known)
        faults += [f"left running: {one}" for one in run.left + (run.replay.left if run.replay else [])]
        print(f"{name:40} {'  '.join([*words, *(f'MISSED: {one}' for one in faults)])}", flush=True)
        return [f"{name}: {one}" for one in faults], steps

    with contextlib.ExitStack() as stack:
        chosen = list(chosen_merchants(options.merchant, options.disk, stack))
        with concurrent.futures.ThreadPoolExecutor(len(chosen) or 1) as pool:
            for faults, steps in pool.map(judged, chosen):
                missed += faults
                found += [steps] if steps and steps[0] else []
    short, again = sum(steps <= 4 for steps, _ in found), sum(bool(again) for _, again in found)
    if found:
        print(f"{short} of {len(found)} histories have at most 4 steps, {again} fail again")
    if min(short, again) * 10 < len(found) * 9:
        missed.append("fewer than nine of ten histories have at most 4 steps and fail again")
    sys.exit("\n".join(missed) or 0)


sys.path.insert(0, HERE)
import postgres

main()
