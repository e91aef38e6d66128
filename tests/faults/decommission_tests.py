#!/usr/bin/env python3
"""decommission_tests.py BIN [SEED] - executors that are asked to go (SIGTERM) hand over what they hold: the
answer is that of an undisturbed run and nothing is computed twice.

Each test runs with executors that share files, and with executors that believe they are on hosts of their own.
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
from galley import Checks, Galley, executors_of, is_alive, wait_for  # noqa: E402

galley = Galley(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
checks = Checks("decommissioning")
scratch = pathlib.Path(tempfile.mkdtemp(prefix="galley-decommission-"))
MAPS, REDUCERS = 24, 16
# 64 groups, each of which sleeps in the reduce stage: there is time to ask executors to go.
ITEMS = f"(SELECT pmod(id, 64) AS k, id FROM range(0, 3000000, 1, {MAPS}))"
QUERY = ("SELECT count(*) AS groups, sum(s) AS s, sum(n) AS n, max(z) AS z FROM (SELECT k, s, n, galley_test_sleep(60) AS z FROM "
         f"(SELECT k, sum(id) AS s, count(*) AS n FROM {ITEMS} GROUP BY k))")
# The same, but map tasks sleep, too.
SLOW_MAPS = ("SELECT count(*) AS groups, sum(s) AS s FROM (SELECT k, sum(id) AS s FROM (SELECT pmod(id, 64) AS k, id, "
             f"galley_test_sleep(80) AS z FROM range(0, 240, 1, {MAPS})) WHERE z IS NOT NULL OR k >= 0 GROUP BY k)")
OPTIONS = ["--format", "csv", "--conf", f"spark.sql.shuffle.partitions={REDUCERS}", "--conf", "galley.test.functions=true"]


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Run:
    """One query on executors of its own, whose files and events can be looked at."""

    def __init__(self, name, query, executors=4, apart=False, options=(), grace_ms=None):
        self.name = name
        self.home = scratch / name
        self.log = self.home / "log"
        self.log.mkdir(parents=True)
        env = {**os.environ, **({"GALLEY_HOST_IDENTITY": "process"} if apart else {})}
        if grace_ms:
            executor = self.home / "executor"
            executor.write_text(f'#!/bin/sh\nexec "{galley.binaries / "galley-executor"}" "$@" --grace-ms {grace_ms}\n')
            executor.chmod(0o755)
            env["GALLEY_EXECUTOR"] = str(executor)
        self.process = galley.start("sql", query, *OPTIONS, *options, "--executors", str(executors), "--event-log", str(self.log),
                                    "--conf", f"spark.local.dir={self.home / 'disk'}", env=env)
        self.children = wait_for(lambda: len(executors_of(self.process.pid)) == executors and executors_of(self.process.pid))

    def map_files(self):
        return [f for f in self.home.glob("disk/galley-*/executor-*/shuffle-*.data")]

    def wait_for_maps(self, count=MAPS):
        ready = wait_for(lambda: len({f.name for f in self.map_files()}) >= count, 30)
        time.sleep(0.15)  # the driver hears of the last one
        return ready

    def wait_for_end_of(self, child, seconds=20):
        return wait_for(lambda: not is_alive(child), seconds)

    def finish(self):
        self.out, self.err = self.process.communicate(timeout=120)
        file = next(self.log.glob("galley-*"))
        self.events = [json.loads(line) for line in file.read_text().splitlines()]
        self.recomputed = sum(e["recomputedTasks"] for e in self.events if e["event"] == "JobEnd")
        self.lost_outputs = sum(e["lostOutputs"] for e in self.events if e["event"] == "ExecutorRemoved")
        self.failed = [e for e in self.events if e["event"] == "TaskEnd" and e["end"] not in ("OK", "SUCCESS", "KILLED")]
        self.reasons = [e["reason"] for e in self.events if e["event"] == "ExecutorRemoved"]
        return self

    def check(self, expected, what=""):
        good = self.process.returncode == 0 and self.out == expected
        checks.that(f"{self.name}: right answer", good, f"{self.out[:300]} ... {self.err[-600:]}")
        checks.that(f"{self.name}: nothing lost or computed again", self.recomputed == 0 and self.lost_outputs == 0,
                    f"{self.recomputed} recomputed, {self.lost_outputs} outputs lost; {self.reasons}")
        print(f"{self.name}: answer {digest(self.out)}, {self.recomputed} tasks recomputed{what}; {'; '.join(self.reasons)}")


def after_the_maps(kind, apart, expected, victims=1, at_once=True):
    run = Run(f"{victims} of 4 leave {'at once' if at_once else 'in turn'} after the maps, {kind}", QUERY, apart=apart)
    checks.that(f"{run.name}: maps done", run.wait_for_maps())
    gone = random.sample(run.children, victims)
    for child in gone:
        os.kill(child, signal.SIGTERM)
        if not at_once:
            run.wait_for_end_of(child)
    for child in gone:
        checks.that(f"{run.name}: it went", run.wait_for_end_of(child), "still there")
    checks.that(f"{run.name}: before the query's end", run.process.poll() is None, "the query was too fast")
    run.finish().check(expected)


def during_the_maps(kind, apart, expected):
    run = Run(f"1 of 4 leaves during the maps, {kind}", SLOW_MAPS, apart=apart)
    run.wait_for_maps(4)
    os.kill(random.choice(run.children), signal.SIGTERM)
    run.finish().check(expected)


def killed_while_leaving(kind, apart, expected):
    run = Run(f"killed while leaving, {kind}", QUERY, apart=apart)
    run.wait_for_maps()
    child = random.choice(run.children)
    os.kill(child, signal.SIGTERM)
    time.sleep(random.uniform(0, 0.05))
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    run.finish()
    checks.that(f"{run.name}: right answer", run.process.returncode == 0 and run.out == expected, run.out + run.err)
    print(f"{run.name}: answer {digest(run.out)}, {run.recomputed} tasks recomputed")


def second_signal(expected):
    run = Run("a second SIGTERM ends at once", SLOW_MAPS)
    run.wait_for_maps(1)
    child = random.choice(run.children)
    os.kill(child, signal.SIGTERM)
    start = time.time()
    time.sleep(0.05)
    try:
        os.kill(child, signal.SIGTERM)
    except ProcessLookupError:
        pass
    run.wait_for_end_of(child)
    checks.that(f"{run.name}: soon", time.time() - start < 2.5, f"{time.time() - start:.1f} s")
    run.finish()
    checks.that(f"{run.name}: right answer", run.process.returncode == 0 and run.out == expected, run.out + run.err)


def long_tasks():
    """Tasks that take longer than there is time are killed, go elsewhere, and that is no failure of theirs."""
    # A few rows to a batch sleep, and between batches a task hears of its end.
    query = ("SELECT sum(id) AS s, max(galley_test_sleep(CASE WHEN pmod(id, 10000) = 3 THEN 100 ELSE 0 END)) AS z "
             "FROM range(0, 800000, 1, 2)")
    run = Run("a task that is too long", query, executors=2, grace_ms=2000)
    time.sleep(0.7)
    start = time.time()
    for child in run.children:  # one of them has the long task
        os.kill(child, signal.SIGTERM)
        run.wait_for_end_of(child)
    checks.that(f"{run.name}: both were in time", time.time() - start < 6, f"{time.time() - start:.1f} s")
    run.finish()
    killed = [e for e in run.events if e["event"] == "TaskEnd" and e["end"] == "KILLED"]
    checks.that(f"{run.name}: right answer", run.process.returncode == 0 and "319999600000," in run.out, run.out + run.err)
    checks.that(f"{run.name}: killed, not failed", killed and not run.failed, f"{killed} {run.failed}")
    print(f"{run.name}: {len(killed)} killed; {'; '.join(run.reasons)}")


def nobody_takes_over():
    """The only executor leaves and there is no other: it stays until its time is up, and the query ends in words."""
    run = Run("nobody takes the blocks", QUERY, executors=1, grace_ms=1500, options=["--conf", "galley.executor.replace=false"])
    run.wait_for_maps()
    start = time.time()
    os.kill(run.children[0], signal.SIGTERM)
    run.wait_for_end_of(run.children[0])
    took = time.time() - start
    checks.that(f"{run.name}: until its time is up", 1.0 < took < 3, f"{took:.1f} s")
    run.finish()
    checks.one_error(run.name, run.process.returncode, run.err, "executor")
    print(f"{run.name}: after {took:.1f} s: {run.err.strip()[:200]}")


def replacement(expected):
    run = Run("the only executor leaves, another one takes over", QUERY, executors=1)
    run.wait_for_maps()
    os.kill(run.children[0], signal.SIGTERM)
    run.finish().check(expected)


CACHE = "CACHE TABLE c AS SELECT pmod(id, 1000) AS k, id, concat('text ', id % 777) AS t FROM range(0, 400000, 1, 8)"
READ = "SELECT count(*) AS n, sum(id) AS s, sum(length(t)) AS l, max(k) AS k FROM c"


def cached_tables(kind, apart):
    """Executors that hold parts of a cached table leave between the statement that fills it and the one that reads it."""
    code, expected, err = galley.run("sql", f"{CACHE}; {READ}", *OPTIONS, "--executors", "3")
    run = Run(f"holders of a cached table leave, {kind}", f"{CACHE}; SELECT max(galley_test_sleep(2500)) FROM range(1); {READ}",
              executors=3, apart=apart)
    time.sleep(1)
    gone = run.children[:2]
    for child in gone:
        os.kill(child, signal.SIGTERM)
    for child in gone:
        checks.that(f"{run.name}: it went", run.wait_for_end_of(child), "still there")
    run.finish()
    again = [e["name"] for e in run.events if e["event"] == "JobStart" and "again" in e["name"]]
    rows = [line for line in expected.splitlines() if line]
    checks.that(f"{run.name}: right answer", run.process.returncode == 0 and rows and all(r in run.out for r in rows), run.out + run.err)
    checks.that(f"{run.name}: the table is not computed again", not again, str(again))
    print(f"{run.name}: answer {digest(rows[-1])}, {len(again)} tables computed again; {'; '.join(run.reasons)}")


def busy_holder(kind, apart):
    """Ten tasks want the one cached partition at once; most of them read it from another executor."""
    cache = "CACHE TABLE c AS SELECT id FROM range(0, 300000, 1, 1)"
    parts = " UNION ALL ".join(f"SELECT sum(id) + {i} AS s, max(galley_test_sleep(id % 4)) AS z FROM c WHERE id < 200" for i in range(10))
    query = f"{cache}; SELECT sum(s) AS s, sum(z) AS z, count(*) AS n FROM ({parts})"  # z is asked for, else nobody sleeps
    options = ["--conf", "spark.locality.wait=0"]
    code, expected, err = galley.run("sql", query, *OPTIONS, *options, "--executors", "1")
    run = Run(f"a cached partition read from elsewhere, {kind}", query, executors=3, apart=apart, options=options).finish()
    checks.that(f"{run.name}: right answer", run.process.returncode == 0 and run.out == expected, expected + run.out + run.err)
    at = {e["executorId"] for e in run.events if e["event"] == "TaskEnd" and e["stageId"] > 0}
    checks.that(f"{run.name}: several executors read it", len(at) > 1, str(at))
    print(f"{run.name}: answer {digest(run.out)}, by executors {sorted(at)}")


def killed_holder():
    """A holder is killed while the table is read: it is filled again, and the query goes again."""
    code, expected, err = galley.run("sql", f"{CACHE}; {READ}", *OPTIONS, "--executors", "3")
    sleepy = READ.replace("count(*) AS n", "count(*) AS n, max(galley_test_sleep(CASE WHEN id % 50000 = 7 THEN 900 ELSE 0 END)) AS z")
    run = Run("a holder of a cached table is killed", f"{CACHE}; {sleepy}; {READ}", executors=3)
    time.sleep(1)
    os.kill(run.children[0], signal.SIGKILL)
    run.finish()
    rows = [line for line in expected.splitlines() if line]
    checks.that(f"{run.name}: right answer", run.process.returncode == 0 and rows and all(r in run.out for r in rows), run.out + run.err)


def large_results(kind, apart):
    """Nobody takes the rows yet, and the executors that hold them leave."""
    query = "SELECT xxhash64(id), xxhash64(id + 1), xxhash64(id + 2) FROM range(0, 600000, 1, 6)"
    code, expected, err = galley.run("sql", query, *OPTIONS, "--executors", "3")
    run = Run(f"holders of large results leave, {kind}", query, executors=3, apart=apart)
    wait_for(lambda: len(run.map_files()) >= 6, 10)
    time.sleep(0.3)
    for child in run.children[:2]:
        os.kill(child, signal.SIGTERM)
        checks.that(f"{run.name}: it went", run.wait_for_end_of(child), "still there")
    run.finish().check(expected)


def main():
    random.seed(seed)
    try:
        code, expected, err = galley.run("sql", QUERY, *OPTIONS, "--executors", "4")
        checks.that("undisturbed", code == 0, err)
        code, slow, err = galley.run("sql", SLOW_MAPS, *OPTIONS, "--executors", "4")
        checks.that("undisturbed, slow maps", code == 0, err)
        for kind, apart in (("one host", False), ("hosts apart", True)):
            after_the_maps(kind, apart, expected)
            after_the_maps(kind, apart, expected, victims=2, at_once=False)
            after_the_maps(kind, apart, expected, victims=3)
            during_the_maps(kind, apart, slow)
            killed_while_leaving(kind, apart, expected)
            cached_tables(kind, apart)
            busy_holder(kind, apart)
            large_results(kind, apart)
        killed_holder()
        long_tasks()
        nobody_takes_over()
        second_signal(slow)
        replacement(expected)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
