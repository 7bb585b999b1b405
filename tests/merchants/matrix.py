"""Checks every merchant of shop.py and prints which cases fail for whom: matrix.py PROGRAM [MODE…]

tests/merchants/matrix.txt is what it prints; `python3 tests/merchants/matrix.py PROGRAM > …` writes it again.
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


def main():
    program, modes = os.path.abspath(sys.argv[1]), sys.argv[2:]
    bugs = dict(line.split() for line in subprocess.check_output([sys.executable, SHOP, "--list"], text=True).splitlines())
    wrong = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        modes = modes or ["right", *bugs]
        for mode, (code, endpoint, failed, text) in zip(modes, pool.map(lambda mode: check(program, mode), modes)):
            case = bugs.get(mode, "-")
            shown = [case, "and more"] if mode in RACY else failed or ["-"]
            print(f"{mode} {code} {endpoint}:", *shown, flush=True)
            if code != int(mode != "right") or case != "-" and endpoint == "discerning" and case not in failed:
                wrong.append(f"{mode}: exit {code}, {case} is not among {failed}\n{text[-1500:] if mode == 'right' else ''}")
    sys.exit("\n".join(wrong))


main()
