"""Checks every merchant of shop.py and prints which cases fail for whom: matrix.py PROGRAM [MODE…]

tests/merchants/matrix.txt is what it prints.
"""
import concurrent.futures, json, os, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# Which further cases these fail depends on the moment.
RACY = ["loses-updates", "loses-refunds", "credits-in-a-race", "refunds-in-a-race", "books-then-fails"]
SHOP = os.path.join(HERE, "shop.py")
PREPARE = """sh -c 'printf "%s %s\\n" "$PAYOUT_CHECK_CLIENT_ID" "$PAYOUT_CHECK_AMOUNT" >> orders.txt'"""


def check(program, mode, arguments=()):
    """The exit code, and the cases that failed."""
    with tempfile.TemporaryDirectory() as folder:
        shop = subprocess.Popen([sys.executable, SHOP, mode, folder], stdout=subprocess.PIPE, text=True)
        try:
            url = shop.stdout.readline().strip()
            command = [program, "check", url, "--prepare", PREPARE, "--observe", "cat books.json", "--observe-within",
                       "700ms", "--report", "json=report.json", *arguments]
            environment = {"PATH": os.environ["PATH"], "HOME": folder, "PAYOUT_NOTIFY_KEY": "ThisIsYourSecretKey123"}
            run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
            with open(os.path.join(folder, "report.json")) as file:
                report = json.load(file)
        finally:
            shop.kill()
            shop.wait()
    failed = [case["id"] for case in report["results"] if case["status"] == "failed"]
    return run.returncode, report["endpoint"], failed, run.stdout


def line_of(program, mode, case):
    """The line of the matrix, and what is wrong with it."""
    code, endpoint, failed, text = check(program, mode)
    shown = [case, "and more"] if mode in RACY else failed or ["-"]
    line = " ".join([f"{mode} {code} {endpoint}:", *shown])
    is_found = case == "-" or endpoint != "discerning" or case in failed
    if code == int(mode != "right") and is_found:
        return line, ""
    return line, f"{mode}: exit {code}, {case} is not among {failed}\n{text[-1500:] if mode == 'right' else ''}"


def settled(program, mode, case, known):
    """A busy machine loses a race or a reply now and then: what differs from what is known is checked again."""
    for _ in range(3):
        line, wrong = line_of(program, mode, case)
        if not wrong and (line in known or not known):
            break
    return line, wrong


def main():
    program, modes = os.path.abspath(sys.argv[1]), sys.argv[2:]
    bugs = dict(line.split() for line in subprocess.check_output([sys.executable, SHOP, "--list"], text=True).splitlines())
    modes = modes or ["right", *bugs]
    with open(os.path.join(HERE, "matrix.txt")) as file:
        known = file.read().splitlines()
    wrongs = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for line, wrong in pool.map(lambda mode: settled(program, mode, bugs.get(mode, "-"), known), modes):
            print(line, flush=True)
            wrongs += [wrong] if wrong else []
    sys.exit("\n".join(wrongs) or 0)


main()
