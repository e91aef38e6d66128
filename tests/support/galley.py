"""galley.py - what the Python test programs share: run the programs, find processes, count checks."""
import os
import pathlib
import signal
import subprocess
import time


class Galley:
    def __init__(self, binaries):
        self.binaries = pathlib.Path(binaries).resolve()
        self.galley = str(self.binaries / "galley")

    def run(self, *arguments, input=None, timeout=120, env=None, cwd=None):
        """(exit code, stdout, stderr)"""
        done = subprocess.run([self.galley, *arguments], input=input, capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, **(env or {})}, cwd=cwd)
        return done.returncode, done.stdout, done.stderr

    def start(self, *arguments, **options):
        return subprocess.Popen([self.galley, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **options)


def executors_of(pid):
    """Process ids of the executors that a driver process started."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except (OSError, IndexError):
                continue
            if int(fields[1]) == pid and words and words[0].endswith(b"galley-executor") and fields[0] != "Z":
                found.append(int(entry.name))
    return sorted(found)


def wait_for(condition, seconds=10, step=0.01):
    end = time.time() + seconds
    while time.time() < end:
        value = condition()
        if value:
            return value
        time.sleep(step)
    return None


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Checks:
    """Named checks; a failing one is printed and counted."""

    def __init__(self, title):
        self.title, self.passed, self.failed = title, 0, 0

    def that(self, name, condition, detail=""):
        if condition:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {name}: {detail}")

    def one_error(self, name, code, stderr, *parts):
        """Exit code not 0, exactly one sentence that starts with 'error: ' and has all the parts."""
        lines = [line for line in stderr.splitlines() if line.strip()]
        good = code not in (0, -signal.SIGSEGV, -signal.SIGABRT) and len(lines) == 1 and lines[0].startswith("error: ")
        self.that(name, good and all(p.lower() in lines[0].lower() for p in parts), f"exit {code}: {stderr[-400:]}")

    def finish(self):
        print(f"{self.title}: {self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0
