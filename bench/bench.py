#!/usr/bin/env python3
"""bench.py BIN [--rounds N] [--only NAME]... [--no-spark] - Galley beside DuckDB and PySpark, on the same files.

Engines take turns, round by round, because a shared machine drifts; ratios are taken within a round. DuckDB and
PySpark are measured warm inside their process; Galley as a whole process from exec to exit unless it says "warm".
Prints one table and appends one JSON line to bench/results/results.jsonl.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))
from galley import executors_of, wait_for  # noqa: E402

QUERIES = [1, 3, 4, 5, 6, 10, 12, 14, 19]
DATA = pathlib.Path(os.environ.get("GALLEY_BENCH_DIR", pathlib.Path.home() / ".cache/galley/bench"))


class Galley:
    def __init__(self, binaries):
        self.binary = str(pathlib.Path(binaries).resolve() / "galley")

    def whole(self, sql, *options):
        start = time.perf_counter()
        done = subprocess.run([self.binary, "run", "-", "--quiet", "--format", "csv", *options], input=sql,
                              capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode != 0:
            raise SystemExit(f"galley failed: {done.stderr}")
        return seconds, done.stdout


class Shell:
    """A warm session; statement times as \\timing prints them."""

    def __init__(self, binary, *options):
        self.process = subprocess.Popen([binary, "shell", "--format", "csv", "--quiet", *options], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.count = 0
        self.run("\\timing on")

    def run(self, sql):
        self.count += 1
        end = "" if sql.startswith("\\") else ";"
        self.process.stdin.write(f"{sql}\n{end}\n\\echo @@{self.count}\n" if end else f"{sql}\n\\echo @@{self.count}\n")
        self.process.stdin.flush()
        seconds, lines = None, []
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line == f"@@{self.count}":
                break
            match = re.match(r"Time: ([\d.]+) (ms|s)$", line)
            if match:
                seconds = float(match.group(1)) / (1000 if match.group(2) == "ms" else 1)
            elif line.startswith("error: "):
                raise SystemExit(line)
            else:
                lines.append(line)
        return seconds, lines

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def duck():
    import duckdb
    connection = duckdb.connect()
    connection.execute("set threads=2")
    return connection


def spark_session():
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession
    session = (SparkSession.builder.master("local[2]").appName("bench").config("spark.ui.enabled", "false")
               .config("spark.driver.memory", "8g").getOrCreate())
    session.sparkContext.setLogLevel("ERROR")
    return session


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def shopflow_data(galley, rows):
    directory = DATA / f"order_items-{rows}"
    if not (directory / "_SUCCESS").exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / "examples/make_shopflow.sql").read_text()
        galley.whole(text.replace("${rows}", str(rows)).replace("${output}", str(directory)), "--memory", "4g")
    return directory


def shopflow(galley, rows, rounds, spark, options=()):
    source, target = shopflow_data(galley, rows), DATA / "out"
    text = (ROOT / "examples/shopflow.sql").read_text().replace("${input}", str(source))
    query = f"SELECT order_id, sum(quantity) AS quantity FROM read_parquet('{source}/*.parquet') WHERE quantity > 0 GROUP BY order_id"
    connection = duck()
    times = {"galley": [], "duckdb": [], "spark": []}

    def run_duckdb():
        connection.execute(f"COPY ({query}) TO '{DATA}/out.duckdb.parquet' (FORMAT parquet)")

    def run_spark():
        (spark.read.parquet(str(source)).where("quantity > 0").groupBy("order_id").sum("quantity")
         .write.mode("overwrite").parquet(str(DATA / "out.spark")))

    run_duckdb()
    for _ in range(rounds):
        seconds, _ = galley.whole(text.replace("${output}", str(target)), "--executors", "2", "--cores", "1", *options)
        times["galley"].append(seconds)
        times["duckdb"].append(timed(run_duckdb))
        if spark:
            times["spark"].append(timed(run_spark))
    ours = connection.execute(f"select count(*), sum(order_id), sum(quantity), min(quantity), max(quantity) from '{target}/*.parquet'").fetchall()
    theirs = connection.execute(f"select count(*), sum(order_id), sum(quantity), min(quantity), max(quantity) from '{DATA}/out.duckdb.parquet'").fetchall()
    if ours != theirs:
        raise SystemExit(f"ShopFlow {rows}: galley has {ours}, DuckDB {theirs}")
    return times


def tpch(galley, rounds):
    sys.path.insert(0, str(ROOT / "tests/compat"))
    from tpch import make_data
    data = make_data("1")
    connection = duck()
    for table in data.glob("*.parquet"):
        connection.execute(f"create view {table.stem} as select * from '{table}'")
    shell = Shell(galley.binary, "--executors", "2", "--cores", "1")
    for view in (ROOT / "bench/tpch/views.sql").read_text().replace("${tpch}", str(data)).split(";"):
        if view.strip():
            shell.run(view.strip())
    wide = Shell(galley.binary, "--executors", "1", "--cores", "2", "--conf", "galley.task.width=2",
                 "--conf", "spark.sql.shuffle.partitions=1")
    for view in (ROOT / "bench/tpch/views.sql").read_text().replace("${tpch}", str(data)).split(";"):
        if view.strip():
            wide.run(view.strip())
    texts = {n: (ROOT / f"bench/tpch/q{n:02}.sql").read_text() for n in QUERIES}
    times = {"galley": {n: [] for n in QUERIES}, "wide": {n: [] for n in QUERIES}, "duckdb": {n: [] for n in QUERIES}}
    for round_ in range(rounds + 1):  # the first is a warm-up of all
        for n in QUERIES:
            figures = [("galley", shell.run(texts[n])[0]), ("wide", wide.run(texts[n])[0]),
                       ("duckdb", timed(lambda: connection.execute(texts[n]).fetchall()))]
            if round_ > 0:
                for engine, seconds in figures:
                    times[engine][n].append(seconds)
    shell.close()
    wide.close()
    return times


def tasks(galley, rounds):
    shell = Shell(galley.binary, "--executors", "2", "--cores", "1")
    shell.run("SELECT 1")
    seconds = []
    for _ in range(rounds + 1):
        seconds.append(shell.run("SELECT id FROM range(0, 10000, 1, 10000) WHERE id < 0")[0])
    shell.close()
    return [10000 / s for s in seconds[1:]]


def start(galley, rounds):
    return [timed(lambda: subprocess.run([galley.binary, "sql", "SELECT 1"], capture_output=True, check=True)) for _ in range(rounds * 4)]


def idle_memory(galley):
    process = subprocess.Popen([galley.binary, "shell"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdin.write("SELECT 1;\n")
    process.stdin.flush()
    children = wait_for(lambda: len(executors_of(process.pid)) == 2 and executors_of(process.pid))
    time.sleep(1)
    sizes = [status(child, "VmRSS") for child in children]
    process.communicate("\\q\n")
    return sizes


def status(pid, key):
    try:
        match = re.search(rf"^{key}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)
        return int(match.group(1)) / 1024 if match else 0
    except OSError:
        return 0


def spill(galley, rows):
    source, target = shopflow_data(galley, rows), DATA / "out"
    text = (ROOT / "examples/shopflow.sql").read_text().replace("${input}", str(source)).replace("${output}", str(target))
    process = subprocess.Popen([galley.binary, "run", "-", "--executors", "2", "--cores", "1", "--memory", "256Mi"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak = [0.0]

    def watch():
        while process.poll() is None:
            for child in executors_of(process.pid):
                peak[0] = max(peak[0], status(child, "VmHWM"))
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    out, err = process.communicate(text)
    seconds = time.perf_counter() - begin
    watcher.join()
    if process.returncode != 0:
        raise SystemExit(f"spill: {err}")
    connection = duck()
    ours = connection.execute(f"select count(*), sum(order_id), sum(quantity) from '{target}/*.parquet'").fetchall()
    theirs = connection.execute(f"select count(*), sum(order_id), sum(q) from (select order_id, sum(quantity) as q from "
                                f"'{source}/*.parquet' where quantity > 0 group by 1)").fetchall()
    return seconds, peak[0], ours == theirs, err


def span(values):
    return f"{min(values):.3f}", f"{statistics.median(values):.3f}", f"{max(values):.3f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--no-spark", action="store_true")
    options = parser.parse_args()
    galley, rows, record = Galley(options.binaries), [], {}
    DATA.mkdir(parents=True, exist_ok=True)
    spark = None

    def wanted(name):
        return not options.only or name in options.only

    def add(name, values, unit, bar, good):
        low, mid, high = span(values)
        rows.append((name, low, mid, high, unit, bar, "met" if good else "NOT MET"))
        record[name] = values
        print("  ".join(rows[-1]), flush=True)

    for name, count in (("shopflow-10M", 10_000_000), ("shopflow-100M", 100_000_000)):
        if wanted(name):
            if spark is None and not options.no_spark:
                spark = spark_session()
            times = shopflow(galley, count, options.rounds, spark, ("--memory", "4g"))
            for engine, values in times.items():
                if values:
                    add(f"{name} {engine}", values, "s", "", True)
            ratio = [a / b for a, b in zip(times["galley"], times["duckdb"])]
            add(f"{name} galley / duckdb", ratio, "x", "<= 1.2", statistics.median(ratio) <= 1.2)
            if times["spark"]:
                ratio = [b / a for a, b in zip(times["galley"], times["spark"])]
                add(f"{name} spark / galley", ratio, "x", ">= 5", statistics.median(ratio) >= 5)
    if spark is not None:
        spark.stop()
    if wanted("tpch"):
        times = tpch(galley, options.rounds)
        for n in QUERIES:
            add(f"tpch q{n} galley", times["galley"][n], "s", "", True)
            add(f"tpch q{n} galley wide", times["wide"][n], "s", "", True)
            add(f"tpch q{n} duckdb", times["duckdb"][n], "s", "", True)
        totals = {e: [sum(times[e][n][r] for n in QUERIES) for r in range(options.rounds)] for e in times}
        for engine in totals:
            add(f"tpch total {engine} (warm)", totals[engine], "s", "", True)
        for engine in ("galley", "wide"):
            ratio = [a / b for a, b in zip(totals[engine], totals["duckdb"])]
            add(f"tpch total {engine} / duckdb", ratio, "x", "<= 2", statistics.median(ratio) <= 2)
    if wanted("start"):
        values = [s * 1000 for s in start(galley, options.rounds)]
        add("SELECT 1, exec to exit", values, "ms", "< 100", statistics.median(values) < 100)
    if wanted("memory"):
        values = idle_memory(galley)
        add("idle executor", values, "MB", "< 25", max(values) < 25)
    if wanted("tasks"):
        values = tasks(galley, options.rounds)
        add("10,000 empty tasks", values, "tasks/s", ">= 20000", statistics.median(values) >= 20000)
    if wanted("spill"):
        seconds, peak, right, _ = spill(galley, 100_000_000)
        add("shopflow-100M, 256 MiB an executor", [seconds], "s", "right answer", right)
        add("its largest executor", [peak], "MiB", "<= 294", peak <= 256 * 1.15)
    print()
    widths = [max(len(row[i]) for row in rows) for i in range(7)]
    print("  ".join(t.ljust(w) for t, w in zip(("measure", "minimum", "median", "maximum", "unit", "bar", ""), widths)))
    for row in rows:
        print("  ".join(c.ljust(w) if i in (0, 4, 5, 6) else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))))
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    line = {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "commit": commit,
            "machine": f"{os.cpu_count()} cores, {platform.machine()}", "rounds": options.rounds,
            "measures": {k: [round(v, 4) for v in values] for k, values in record.items()}}
    with open(ROOT / "bench/results/results.jsonl", "a") as file:
        file.write(json.dumps(line) + "\n")
    shutil.rmtree(DATA / "out.spark", ignore_errors=True)
    return 0 if all(row[6] == "met" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
