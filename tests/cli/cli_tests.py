#!/usr/bin/env python3
"""cli_tests.py BIN - the command line as a user meets it: results, errors, exit codes, Ctrl-C, leftovers."""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from galley import Checks, Galley, executors_of, is_alive, wait_for  # noqa: E402

galley = Galley(sys.argv[1])
checks = Checks("cli")
scratch = pathlib.Path(tempfile.mkdtemp(prefix="galley-cli-"))
local = scratch / "local"
LOCAL = ["--conf", f"spark.local.dir={local}"]


def sql(text, *options, **more):
    return galley.run("sql", text, *LOCAL, *options, **more)


def results():
    code, out, err = sql("SELECT 1 AS one, 'a' AS letter, CAST(NULL AS INT) AS nothing")
    checks.that("table", code == 0 and "| one | letter | nothing |" in out and "|   1 | a      |    NULL |" in out, out + err)
    code, out, err = sql("SELECT 1 AS one, 'a,b' AS letter, CAST(NULL AS INT) AS nothing, '' AS empty", "--format", "csv")
    checks.that("csv", (code, out) == (0, 'one,letter,nothing,empty\n1,"a,b",,""\n'), out + err)
    code, out, err = sql("SELECT 1.50 AS d, 'q\"' AS s, true AS b, CAST(NULL AS INT) AS n, DATE '2024-02-29' AS t", "--format", "json")
    checks.that("json", code == 0 and json.loads(out) == {"d": 1.5, "s": 'q"', "b": True, "n": None, "t": "2024-02-29"}, out + err)
    code, out, _ = sql("SELECT id FROM range(5)", "--action", "count", "--format", "csv")
    checks.that("action count", (code, out) == (0, "count\n5\n"), out)
    code, out, _ = sql("SELECT id FROM range(50)", "--action", "show", "--limit", "3", "--format", "csv")
    checks.that("action show", (code, len(out.splitlines())) == (0, 4), out)
    code, out, _ = sql("SELECT id FROM range(0, 5000, 1, 3)", "--action", "foreach", "--format", "csv")
    checks.that("action foreach", (code, out.splitlines()[1:]) == (0, [str(i) for i in range(5000)]), out[:200])
    script = scratch / "script.sql"
    script.write_text("SET spark.sql.shuffle.partitions=3;\nCREATE TEMPORARY VIEW v AS SELECT id % 3 AS k FROM range(9);\n"
                      "SELECT k, count(*) AS n FROM v GROUP BY k ORDER BY k;")
    code, out, err = galley.run("run", str(script), *LOCAL, "--format", "csv")
    checks.that("script", (code, out) == (0, "k,n\n0,3\n1,3\n2,3\n"), out + err)
    code, out, err = sql("EXPLAIN SELECT id FROM range(10) WHERE id > 3")
    checks.that("explain", code == 0 and "Range" in out and "Filter" in out, out + err)
    code, out, err = sql("EXPLAIN FORMATTED SELECT id, count(*) FROM range(10) GROUP BY id")
    checks.that("explain formatted", code == 0 and "HashAggregate" in out and "(1)" in out, out + err)
    code, out, err = sql("EXPLAIN SELECT /*+ REPARTITION(3, id) */ id FROM range(5)")
    checks.that("explain repartition hint", code == 0 and "hashpartitioning(id, 3)" in out, out + err)
    code, out, err = sql("EXPLAIN ANALYZE SELECT id % 3 AS k, count(*) AS n FROM range(0, 1000, 1, 4) WHERE id > 10"
                         " GROUP BY id % 3 ORDER BY k", "--conf", "spark.sql.shuffle.partitions=5")
    checks.that("explain analyze: rows of each operator", code == 0 and all(re.search(p, out) for p in [
        r"Sort .*\(rows=3, stage 2\)", r"Exchange SinglePartition \(rows=3, stage 1\)",
        r"Exchange hashpartitioning.*\(rows=12, stage 0\)", r"partial_count.*\(rows=12, stage 0\)",
        r"Filter \(id > 10\) \(rows=989, stage 0\)", r"Range .*\(rows=1000, stage 0\)"]), out + err)
    checks.that("explain analyze: stages", all(re.search(p, out) for p in [
        r"stage 0: ShuffleWrite, 4 tasks, .* ms \(median task .*\), .* shuffled, 0 B spilled", r"stage 1: .*, 5 tasks,",
        r"stage 2: CollectResult, 1 task, "]), out)
    target = scratch / "analyzed"
    code, out, err = sql(f"EXPLAIN ANALYZE INSERT OVERWRITE DIRECTORY '{target}' USING parquet SELECT id FROM range(100)")
    checks.that("explain analyze writes", code == 0 and re.search(r"WriteFiles \S*analyzed, .*\(rows=100, stage 0\)", out)
                and (target / "_SUCCESS").exists(), out + err)
    code, out, err = sql("EXPLAIN ANALYZE SELECT 1 DIV (id - 4) FROM range(10)")
    checks.that("explain analyze of a failing query", (code, out) == (1, "") and "Division by zero" in err, out + err)
    code, out, err = sql("SELECT id FROM range(0, 20000000, 1, 4)", "--action", "foreach", "--format", "csv", timeout=300)
    checks.that("large results by block", code == 0 and out.endswith("19999999\n"), err)


def errors():
    for name, text, parts in [
        ("unknown column", "SELECT idd FROM range(3)", ["idd", "'id'", "line 1, column 8"]),
        ("unknown table", "SELECT * FROM nowhere", ["nowhere", "line 1, column 15"]),
        ("unknown function", "SELECT sume(1)", ["sume", "sum"]),
        ("syntax", "SELEC 1", ["SELEC", "line 1, column 1"]),
        ("type", "SELECT 1 + true", ["int", "boolean"]),
        ("overflow", "SELECT CAST(2147483647 AS INT) + CAST(1 AS INT)", ["overflow"]),
        ("division by zero", "SELECT id DIV (id - 2) FROM range(4)", ["zero", "line 1, column"]),
        ("cast", "SELECT CAST('abc' AS INT)", ["abc"]),
        ("missing path", f"SELECT * FROM parquet.`{scratch}/nothing`", [f"{scratch}/nothing", "not exist"]),
        ("setting", "SET spark.executor.cores=3", ["spark.executor.cores"]),
        ("setting's value", "SET spark.sql.shuffle.partitions=many", ["many"]),
    ]:
        code, _, err = sql(text)
        checks.one_error(name, code, err, *parts)
    code, _, err = galley.run("sql", "SELECT 1", "--executers", "3")
    checks.that("unknown option", code == 2 and "--executers" in err, err)
    code, _, err = galley.run("run", str(scratch / "absent.sql"))
    checks.one_error("missing script", code, err, "absent.sql")
    code, _, err = sql("SELECT id, xxhash64(id) AS h, xxhash64(id, 1) AS g FROM range(200000)", "--conf", "spark.driver.maxResultSize=1m")
    checks.one_error("maxResultSize", code, err, "maxResultSize")
    code, _, err = sql("SELECT id, xxhash64(id) AS h FROM range(0, 3000000, 1, 40)", "--conf", "spark.driver.maxResultSize=1m")
    checks.one_error("maxResultSize while tasks wait", code, err, "maxResultSize")
    code, _, err = sql("SELECT 1", env={"GALLEY_EXECUTOR": "/bin/false"})
    checks.one_error("executor that cannot start", code, err, "executor")
    data = scratch / "good"
    code, _, err = sql(f"INSERT OVERWRITE DIRECTORY '{data}' USING parquet SELECT id, repeat('ab', 20) AS t FROM range(0, 50000, 1, 1)")
    checks.that("insert", code == 0 and (data / "_SUCCESS").exists(), err)
    part = next(data.glob("part-*"))
    whole = part.read_bytes()
    for name, bytes_ in [("truncated", whole[: len(whole) // 2]), ("empty file", b""), ("no parquet", b"hello" * 100),
                         ("flipped page", whole[:2000] + bytes([whole[2000] ^ 0xFF]) + whole[2001:]),
                         ("flipped footer", whole[:-60] + bytes([whole[-60] ^ 0xFF]) + whole[-59:])]:
        bad = scratch / "bad"
        shutil.rmtree(bad, ignore_errors=True)
        bad.mkdir()
        (bad / "x.parquet").write_bytes(bytes_)
        code, out, err = sql(f"SELECT count(*), max(t) FROM parquet.`{bad}`", "--format", "csv")
        if name.startswith("flipped") and code == 0:
            checks.that(name, out.splitlines()[1:] == ["50000," + "ab" * 20], out)  # the flipped bit was not in use
        else:
            checks.one_error(name, code, err, "x.parquet")
    before = sorted(p.name for p in data.iterdir())
    code, _, err = sql(f"INSERT OVERWRITE DIRECTORY '{data}' USING parquet SELECT id DIV (id - 40000) AS x FROM range(0, 50000, 1, 4)")
    checks.one_error("failing insert", code, err, "zero")
    checks.that("a failing insert leaves what was there", sorted(p.name for p in data.iterdir()) == before, str(list(data.iterdir())))
    for _ in range(12):  # tasks that are just making their files when another one fails
        sql(f"INSERT OVERWRITE DIRECTORY '{data}' USING parquet SELECT id, 10 DIV (id - 300000) AS x FROM range(0, 400000, 1, 40)",
            "--executors", "3", "--cores", "2")
        if sorted(p.name for p in data.iterdir()) != before:
            break
    checks.that("nor do its other tasks leave anything", sorted(p.name for p in data.iterdir()) == before, str(list(data.iterdir())))


def full_disk():
    small = scratch / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small)], check=True)
    try:
        code, _, err = galley.run("sql", "SELECT count(*) FROM (SELECT xxhash64(id) AS h FROM range(3000000)) t GROUP BY h HAVING count(*) > 5",
                                  "--conf", f"spark.local.dir={small}")
        checks.one_error("full local disk", code, err, "disk is full", str(small))
        code, _, err = sql(f"INSERT OVERWRITE DIRECTORY '{small}/out' USING parquet SELECT id, xxhash64(id) AS h FROM range(3000000)")
        checks.one_error("full output disk", code, err, "disk is full", str(small))
        checks.that("a full disk leaves nothing", not list(small.rglob("part-*")), str(list(small.rglob("*"))))
    finally:
        subprocess.run(["umount", str(small)], check=True)


def shell_session():
    process = galley.start("shell", "--format", "csv", *LOCAL)
    out, err = process.communicate("CREATE TEMPORARY VIEW v AS SELECT id FROM range(4);\nCACHE TABLE v;\nSELECT sum(id) AS s\n FROM v;\n"
                                   "SELECT nope FROM v;\nSELECT count(*) AS n FROM v;\nUNCACHE TABLE v;\n\\timing on\nSELECT 7 AS x;\n\\q\n", timeout=60)
    checks.that("shell", out == "s\n6\nn\n4\nx\n7\n", out + err)
    checks.that("shell errors and timing", "nope" in err and "Time: " in err, err)


def waves():
    log = scratch / "events"
    log.mkdir()
    code, _, err = sql("SELECT sum(id % 7) FROM range(0, 240000000, 1, 12)", "--executors", "2", "--cores", "2", "--event-log", str(log))
    events = [json.loads(line) for line in next(log.glob("galley-*")).read_text().splitlines()]
    tasks = [e for e in events if e["event"] == "TaskEnd" and e["stageId"] == 0]
    running = most = 0
    for event in events:
        if event.get("stageId") == 0 and event["event"] in ("TaskStart", "TaskEnd"):
            running += 1 if event["event"] == "TaskStart" else -1
            most = max(most, running)
    checks.that("12 tasks on 4 slots", code == 0 and len(tasks) == 12 and most == 4, f"{len(tasks)} tasks, {most} at once {err}")
    names = {e["event"] for e in events}
    checks.that("event log", {"JobStart", "JobEnd", "StageStart", "StageEnd", "TaskStart", "TaskEnd", "ExecutorAdded"} <= names, str(names))


LONG = "SELECT sum(id % 7) AS s FROM range(0, 200000000000, 1, 400)"


def interruptions():
    process = galley.start("sql", LONG, *LOCAL)
    children = wait_for(lambda: len(executors_of(process.pid)) == 2 and executors_of(process.pid))
    time.sleep(0.5)
    start = time.time()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    checks.one_error("Ctrl-C", process.returncode, err, "cancel")
    checks.that("Ctrl-C's exit code", process.returncode == 130 and time.time() - start < 3, f"{process.returncode}")
    checks.that("no orphans after Ctrl-C", wait_for(lambda: not any(map(is_alive, children)), 3) is not None, "")
    process = galley.start("sql", LONG, *LOCAL)
    children = wait_for(lambda: len(executors_of(process.pid)) == 2 and executors_of(process.pid))
    process.kill()
    process.wait()
    checks.that("no orphans after SIGKILL of the driver", wait_for(lambda: not any(map(is_alive, children)), 3) is not None, "")
    process = galley.start("shell", "--format", "csv", *LOCAL)
    process.stdin.write(LONG + ";\n")
    process.stdin.flush()
    wait_for(lambda: len(executors_of(process.pid)) == 2)
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate("SELECT 5 AS five;\n", timeout=30)
    checks.that("Ctrl-C leaves the shell", out == "five\n5\n" and "cancel" in err, out + err)


def leftovers():
    left = [str(p) for p in local.glob("*")] if local.exists() else []
    killed = [p for p in left if "galley-" in p]
    checks.that("no local directories stay", len(killed) <= 1, str(left))  # the SIGKILLed driver cannot clean up


def main():
    try:
        for part in (results, errors, full_disk, shell_session, waves, interruptions, leftovers):
            part()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
