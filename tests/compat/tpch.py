#!/usr/bin/env python3
"""tpch.py BIN [SCALE] - the nine TPC-H queries over Parquet of tpchgen-cli give DuckDB's answers.

Runs with the Python of the test environment (duckdb, tpchgen-cli). Data is kept below
~/.cache/galley/tpch-<scale> and made if it is not there.
"""
import csv
import decimal
import io
import os
import pathlib
import subprocess
import sys

import duckdb

QUERIES = [1, 3, 4, 5, 6, 10, 12, 14, 19]
ROOT = pathlib.Path(__file__).resolve().parents[2]
VARIANTS = {
    "2 executors": ["--executors", "2", "--conf", "spark.sql.shuffle.partitions=8"],
    "1 executor, 2 threads a task": ["--executors", "1", "--cores", "2", "--conf", "galley.task.width=2",
                                     "--conf", "spark.sql.shuffle.partitions=2"],
    "no broadcast": ["--executors", "2", "--conf", "spark.sql.autoBroadcastJoinThreshold=-1",
                     "--conf", "spark.sql.shuffle.partitions=5"],
    "1 MiB a task": ["--executors", "2", "--conf", "galley.test.taskMemory=1m",
                     "--conf", "spark.sql.shuffle.partitions=4"],
}


def make_data(scale):
    directory = pathlib.Path.home() / f".cache/galley/tpch-{scale}"
    if not (directory / ".ready").exists():
        directory.mkdir(parents=True, exist_ok=True)
        tool = pathlib.Path(sys.executable).parent / "tpchgen-cli"
        subprocess.run([tool, "parquet", "-s", scale, "--output-dir", directory], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (directory / ".ready").touch()
    return directory


def cell(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return value
    try:
        return float(value)
    except (TypeError, ValueError, decimal.InvalidOperation):
        return str(value)


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-6 * max(1.0, abs(a), abs(b))
    return str(a) == str(b)


def galley(binary, options, data, number):
    views = (ROOT / "bench/tpch/views.sql").read_text().replace("${tpch}", str(data))
    query = (ROOT / f"bench/tpch/q{number:02}.sql").read_text()
    run = subprocess.run([binary, "run", "-", "--format", "csv", "--quiet", *options], input=views + query,
                         capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip())
    return [[cell(v) for v in row] for row in csv.reader(io.StringIO(run.stdout))][1:]


def main():
    binary, scale = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "0.1"
    data = make_data(scale)
    connection = duckdb.connect()
    connection.execute("set timezone='UTC'")
    for table in data.glob("*.parquet"):
        connection.execute(f"create view {table.stem} as select * from '{table}'")
    passed = failed = 0
    for number in QUERIES:
        expected = connection.execute((ROOT / f"bench/tpch/q{number:02}.sql").read_text()).fetchall()
        expected = [[cell(v) for v in row] for row in expected]
        for name, options in VARIANTS.items():
            try:
                rows = galley(binary, options, data, number)
                good = len(rows) == len(expected) and all(
                    len(a) == len(b) and all(same(x, y) for x, y in zip(a, b)) for a, b in zip(rows, expected))
                problem = f"got {rows[:2]}, DuckDB has {expected[:2]}"
            except RuntimeError as error:
                good, problem = False, str(error)
            passed, failed = passed + good, failed + (not good)
            if not good:
                print(f"Q{number} [{name}]: {problem}")
    print(f"tpch: {passed} passed, {failed} failed (scale {scale}, DuckDB {duckdb.__version__})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
