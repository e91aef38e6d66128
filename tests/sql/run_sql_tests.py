#!/usr/bin/env python3
"""run_sql_tests.py BIN [--only TEXT] [--variant NAME]... [FILE]... - SQL behaviour as data.

Each .test file is one session of `galley shell`. Records are separated by blank lines:

    statement ok                statement error TEXT IN THE MESSAGE       query [sorted]
    CREATE TEMPORARY VIEW ...   SELECT 1 DIV 0                            SELECT a, b FROM v
                                                                          ----
                                                                          1,x

Results are CSV as `galley --format csv` prints it, without the header; an empty line is written (empty). "sorted": the rows have no order.
`only VARIANT...` at the top restricts a file to some variants. ${dir} is a fresh directory of the file.
The same files run in several variants: how many executors, how little memory; in "killed" a random executor is killed
now and then (SEED in the environment repeats a run), and the answers are the same.
"""
import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from galley import executors_of  # noqa: E402

VARIANTS = {
    "two": ["--executors", "2", "--conf", "spark.sql.shuffle.partitions=7"],
    "one": ["--executors", "1", "--conf", "spark.sql.shuffle.partitions=1"],
    "five": ["--executors", "5", "--conf", "spark.sql.shuffle.partitions=200"],
    "spill": ["--executors", "2", "--conf", "galley.test.taskMemory=256k", "--conf", "spark.sql.shuffle.partitions=3"],
    "wide": ["--executors", "1", "--cores", "3", "--conf", "galley.task.width=3",
             "--conf", "spark.sql.shuffle.partitions=3"],
    "killed": ["--executors", "3", "--conf", "spark.executor.maxNumFailures=1000", "--conf", "spark.sql.shuffle.partitions=5"],
    "norules": ["--executors", "2", "--conf", "spark.sql.shuffle.partitions=3", "--conf",
                "spark.sql.optimizer.excludedRules=fold_constants,simplify,factor_or,outer_to_inner,push_filter,"
                "combine_projects,combine_unions,eliminate_sorts,eliminate_distincts,propagate_empty,push_limit,"
                "derive_filters,push_semi,reorder_joins,reduce_aggregate,prune_columns,partial_aggregation,"
                "choose_build_side,reduce_join_sides,share_exchanges"],
}


SEED = os.environ.get("SEED", "1")
KILLS = [0]


class Record:
    def __init__(self, line, kind, argument, sql, expected):
        self.line, self.kind, self.argument, self.sql, self.expected = line, kind, argument, sql, expected


def parse(path):
    records, only = [], None
    lines = path.read_text().split("\n")
    i = 0
    while i < len(lines):
        if not lines[i].strip() or lines[i].startswith("#"):
            i += 1
            continue
        if lines[i].startswith("only "):
            only = lines[i].split()[1:]
            i += 1
            continue
        start, head = i + 1, lines[i].split(None, 2)
        i += 1
        sql, expected = [], None
        while i < len(lines) and lines[i].strip() and lines[i] != "----":
            sql.append(lines[i])
            i += 1
        if i < len(lines) and lines[i] == "----":
            expected = []
            i += 1
            while i < len(lines) and lines[i].strip():
                expected.append("" if lines[i] == "(empty)" else lines[i])
                i += 1
        if head[0] not in ("statement", "query"):
            raise SystemExit(f"{path}:{start}: a record starts with statement or query, not {head[0]}")
        kind = head[0] if head[0] == "query" else head[1]
        argument = " ".join(head[1:]) if kind == "query" else (head[2] if len(head) > 2 else "")
        records.append(Record(start, kind, argument, "\n".join(sql), expected))
    return records, only


def age(pid):
    """Seconds since a process started; 0 if it is gone."""
    try:
        ticks = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
        uptime = float(pathlib.Path("/proc/uptime").read_text().split()[0])
        return uptime - ticks / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0


class Killer(threading.Thread):
    """Kills a random executor of a driver, again and again with pauses, until stopped."""

    def __init__(self, pid, seed):
        super().__init__(daemon=True)
        self.pid, self.random, self.stopped, self.count = pid, random.Random(seed), threading.Event(), 0

    def run(self):
        while not self.stopped.wait(self.random.uniform(0.005, 0.06)):
            # Most have registered by then; the variant allows for those that have not.
            victims = [pid for pid in executors_of(self.pid) if age(pid) > 0.02]
            if victims:
                try:
                    os.kill(self.random.choice(victims), signal.SIGKILL)
                    self.count += 1
                except ProcessLookupError:
                    pass


class Shell:
    def __init__(self, binary, options, directory):
        self.process = subprocess.Popen(
            [binary, "shell", "--format", "csv", "--quiet", *options], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory)
        self.count = 0

    def run(self, sql):
        self.count += 1
        mark = f"@@{self.count}"
        self.process.stdin.write(f"{sql.rstrip().rstrip(';')}\n;\n\\echo {mark}\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n") == mark:
                return lines
            lines.append(line.rstrip("\n"))
        raise EOFError("\n".join(lines) or "the shell ended")

    def close(self):
        self.process.stdin.close()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "hung"


def check(record, output):
    error = next((line for line in output if line.startswith("error: ")), None)
    if record.kind == "error":
        if error is None:
            return f"no error came, but: {output[:3]}"
        if record.argument.lower() not in error.lower():
            return f"wrong error: {error}"
        return None
    if error is not None:
        return error
    if record.kind == "ok":
        return None
    rows = output[1:]
    expected = record.expected or []
    if "sorted" in record.argument:
        rows, expected = sorted(rows), sorted(expected)
    if rows != expected:
        return "expected\n      " + "\n      ".join(expected[:20]) + "\n    but got\n      " + "\n      ".join(rows[:20])
    return None


def run_file(binary, path, variant, directory):
    records, only = parse(path)
    if only and variant not in only:
        return 0, []
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True)
    failures, shell = [], Shell(binary, VARIANTS[variant], directory)
    killer = Killer(shell.process.pid, f"{SEED} {path.name}")
    if variant == "killed":
        killer.start()
    try:
        for record in records:
            problem = check(record, shell.run(record.sql.replace("${dir}", str(directory))))
            if problem:
                failures.append(f"{path}:{record.line} [{variant}]: {record.sql.splitlines()[0][:100]}\n    {problem}")
    except (EOFError, BrokenPipeError) as end:
        failures.append(f"{path}:{record.line} [{variant}]: the shell ended: {end}")
    killer.stopped.set()
    KILLS[0] += killer.count
    if shell.close() == "hung":
        failures.append(f"{path} [{variant}]: the shell did not end")
    return len(records), failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--variant", action="append", choices=VARIANTS)
    parser.add_argument("--only", default="")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    here = pathlib.Path(__file__).parent
    files = options.files or sorted(here.rglob("*.test"))
    passed, failures, start = 0, [], time.time()
    with tempfile.TemporaryDirectory(prefix="galley-sql-") as scratch:
        for variant in options.variant or VARIANTS:
            for path in files:
                if options.only in str(path):
                    count, bad = run_file(binary, path, variant, pathlib.Path(scratch) / path.stem)
                    passed += count - len(bad)
                    failures += bad
    for failure in failures:
        print(failure)
    print(f"sql: {passed} passed, {len(failures)} failed in {time.time() - start:.1f} s, {KILLS[0]} executors killed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
