#!/usr/bin/env python3
"""fault_tests.py BIN [SEED] - real processes, real kills: the answer is that of an undisturbed run, or one clear error.

Each test is named, has a seed, and prints what was computed again.
"""
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from galley import Checks, Galley, executors_of, wait_for  # noqa: E402

galley = Galley(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
checks = Checks("faults")
scratch = pathlib.Path(tempfile.mkdtemp(prefix="galley-faults-"))
QUERY = ("SELECT count(*) AS groups, sum(n) AS n, sum(s) AS s, max(k) AS k FROM (SELECT k, count(*) AS n, sum(id) AS s FROM "
         "(SELECT id, pmod(xxhash64(id), 300000) AS k FROM range(0, 6000000, 1, 24)) t GROUP BY k) u")
OPTIONS = ["--format", "csv", "--conf", "spark.sql.shuffle.partitions=16"]


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def events(directory):
    file = next(directory.glob("galley-*"))
    return [json.loads(line) for line in file.read_text().splitlines()]


def run_with_kill(name, delay, how=signal.SIGKILL, query=QUERY, resume_after=None):
    log = scratch / name
    log.mkdir()
    process = galley.start("sql", query, *OPTIONS, "--executors", "3", "--event-log", str(log))
    children = wait_for(lambda: len(executors_of(process.pid)) == 3 and executors_of(process.pid))
    time.sleep(delay)
    victim = random.choice(children)
    try:
        os.kill(victim, how)
        if resume_after:
            time.sleep(resume_after)
            os.kill(victim, signal.SIGCONT)
    except ProcessLookupError:
        pass
    out, err = process.communicate(timeout=120)
    ends = [e for e in events(log) if e["event"] == "TaskEnd"]
    again = len([e for e in ends if not e["accepted"]])
    return process.returncode, out, err, again


def run_with_disk(size, query):
    """The query on executors that may only use so much disk."""
    executor = scratch / f"executor-{size}"
    executor.write_text(f'#!/bin/sh\nexec "{galley.binaries / "galley-executor"}" "$@" --disk {size}\n')
    executor.chmod(0o755)
    return galley.run("sql", query, *OPTIONS, "--executors", "2", env={"GALLEY_EXECUTOR": str(executor)})


def disk_budget(expected):
    code, out, err = run_with_disk("64k", QUERY)
    checks.one_error("shuffles over the disk budget", code, err, "spec.executor.localDisk", "64.0 KiB")
    code, out, err = run_with_disk("1g", QUERY)
    checks.that("shuffles within the disk budget", code == 0 and out == expected, out + err)
    # A query's files are deleted with it: five of them take turns in what two would need at once.
    code, out, err = run_with_disk("40m", "; ".join([QUERY] * 5))
    checks.that("the disk budget is given back after each query", code == 0 and out.count(expected.split()[1]) == 5, out + err)
    large = "SELECT xxhash64(id), xxhash64(id + 1), xxhash64(id + 2) FROM range(0, 600000, 1, 2)"
    code, out, err = run_with_disk("300k", large)
    checks.one_error("a large result over the disk budget", code, err, "spec.executor.localDisk")


def main():
    random.seed(seed)
    try:
        code, expected, err = galley.run("sql", QUERY, *OPTIONS, "--executors", "3")
        checks.that("undisturbed", code == 0, err)
        start = time.time()
        galley.run("sql", QUERY, *OPTIONS, "--executors", "3")
        span = time.time() - start
        for i in range(6):
            delay = random.uniform(0.02, span * 0.9)
            code, out, err, again = run_with_kill(f"kill-{i}", delay)
            print(f"executor killed at {delay:.2f} s of {span:.2f} s: answer {digest(out)}, {again} task ends not used")
            checks.that(f"executor killed at {delay:.2f} s (seed {seed})", code == 0 and out == expected, out + err)
        process = galley.start("sql", QUERY, *OPTIONS, "--executors", "2")
        children = wait_for(lambda: len(executors_of(process.pid)) == 2 and executors_of(process.pid))
        time.sleep(span / 3)
        for child in children:
            os.kill(child, signal.SIGKILL)
        out, err = process.communicate(timeout=120)
        checks.that("all executors killed", process.returncode == 0 and out == expected, out + err)
        code, out, err = galley.run("sql", "SELECT raise_error('no luck') FROM range(0, 4, 1, 4)", *OPTIONS)
        checks.one_error("a task that always fails", code, err, "no luck")
        disk_budget(expected)
        target = scratch / "target"
        process = galley.start("sql", f"INSERT OVERWRITE DIRECTORY '{target}' USING parquet SELECT id, repeat('x', 50) AS t "
                               "FROM range(0, 40000000, 1, 8)", *OPTIONS)
        wait_for(lambda: target.exists() and any(target.rglob("part-*")), 20)
        process.kill()
        process.wait()
        visible = [p for p in target.rglob("part-*") if "_temporary" not in str(p)]
        checks.that("a killed write shows nothing", not visible and not (target / "_SUCCESS").exists(), str(visible))
        code, out, err = galley.run("sql", f"INSERT OVERWRITE DIRECTORY '{target}' USING parquet SELECT id FROM range(10)", *OPTIONS)
        checks.that("writing there again", code == 0 and not (target / "_temporary").exists(), err + str(list(target.iterdir())))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
