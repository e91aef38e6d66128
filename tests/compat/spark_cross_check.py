#!/usr/bin/env python3
"""Parquet, CSV and JSON files between Spark and Galley, both ways.

    spark_cross_check.py BIN [--keep DIR]

BIN is the folder of `galley`.  Spark writes files in its page versions, encodings, codecs and both ways to lay out decimals and
timestamps; Galley must read the same rows.  Galley writes them again; Spark must read the same rows and the same types.  Needs
PySpark and Java: without them it fails.
"""
import datetime
import decimal
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

os.environ["TZ"] = "UTC"
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
time.tzset()

from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import types as t  # noqa: E402

BIN = os.path.abspath(sys.argv[1])
ROWS = 3000
SEED = 20260101
EPOCH = datetime.datetime(1970, 1, 1)
TYPES = {
    "bool": t.BooleanType(), "tiny": t.ByteType(), "small": t.ShortType(), "number": t.IntegerType(), "big": t.LongType(),
    "single": t.FloatType(), "real": t.DoubleType(), "dec9": t.DecimalType(9, 2), "dec18": t.DecimalType(18, 6),
    "dec38": t.DecimalType(38, 10), "word": t.StringType(), "label": t.StringType(), "bytes": t.BinaryType(), "day": t.DateType(),
    "moment": t.TimestampType()}
checks, failures = 0, []


def check(holds, what):
    global checks
    checks += 1
    if not holds:
        failures.append(what)
        print(f"FAILED: {what}", file=sys.stderr)


# --- rows -------------------------------------------------------------------------------------------------------------

def single(x):
    import struct
    return struct.unpack("f", struct.pack("f", x))[0]


def make_rows(choose):
    """Tuples (id, every column of TYPES), with NULLs, limits, long and empty texts."""
    def digits(precision, scale):
        return decimal.Decimal(choose.randrange(-10 ** precision + 1, 10 ** precision)).scaleb(-scale, decimal.Context(prec=60))

    def any_int(bits):
        edge = [-(1 << bits - 1), (1 << bits - 1) - 1, 0, -1]
        return choose.choice(edge) if choose.random() < .1 else choose.randrange(-(1 << bits - 1), 1 << bits - 1) >> choose.randrange(bits)

    def text():
        letters = "abcxyz 0189,;\"'\\\täöüß€漢字😀"
        return "".join(choose.choice(letters) for _ in range(choose.choice([0, 1, 3, 12, 40, 300])))

    makers = {
        "bool": lambda: choose.random() < .3, "tiny": lambda: any_int(8), "small": lambda: any_int(16), "number": lambda: any_int(32),
        "big": lambda: any_int(64), "single": lambda: choose.choice([0.0, -0.0, math.inf, -math.inf, math.nan, single(choose.gauss(0, 1e6))]),
        "real": lambda: choose.choice([0.0, math.inf, math.nan, 5e-324, choose.gauss(0, 1e100), choose.random()]),
        "dec9": lambda: digits(choose.choice([1, 5, 9]), 2), "dec18": lambda: digits(choose.choice([3, 11, 18]), 6),
        "dec38": lambda: digits(choose.choice([4, 19, 30, 38]), 10), "word": text,
        "label": lambda: "label " + str(choose.randrange(20)), "bytes": lambda: bytearray(choose.randbytes(choose.choice([0, 1, 9, 100]))),
        "day": lambda: datetime.date(1900, 1, 1) + datetime.timedelta(days=choose.randrange(70000)),
        "moment": lambda: EPOCH + datetime.timedelta(microseconds=choose.randrange(-2 * 10 ** 15, 4 * 10 ** 15))}
    assert list(makers) == list(TYPES)
    nulls = {name: choose.choice([0, .05, .5, .95]) for name in TYPES}
    nulls["label"] = 0
    return [(i, *(None if choose.random() < nulls[name] else makers[name]() for name in TYPES)) for i in range(ROWS)]


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    return a == b and (a is None) == (b is None)


def compare(got, expected, what):
    if len(got) != len(expected):
        return check(False, f"{what}: {len(got)} rows, not {len(expected)}")
    for row, wanted in zip(sorted(got), sorted(expected)):  # by id, which is unique
        for name, a, b in zip(("id", *TYPES), row, wanted):
            if not same(a, b):
                return check(False, f"{what}: row {row[0]}, column {name} is {a!r}, not {b!r}")
    return check(True, what)


# --- both engines -----------------------------------------------------------------------------------------------------

def galley(sql, *options):
    done = subprocess.run([BIN + "/galley", "sql", sql, "--format", "json", "--quiet", "--conf", "spark.sql.shuffle.partitions=3", *options],
                          capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def from_json(value, kind):
    if value is None:
        return None
    if isinstance(kind, (t.FloatType, t.DoubleType)):
        number = float(str(value).replace("Infinity", "inf"))
        return single(number) if isinstance(kind, t.FloatType) else number
    if isinstance(kind, t.DecimalType):
        return decimal.Decimal(value)
    if isinstance(kind, t.BinaryType):
        return bytearray.fromhex(value.strip("[]"))
    if isinstance(kind, t.DateType):
        return datetime.date.fromisoformat(value)
    if isinstance(kind, t.TimestampType):
        return datetime.datetime.fromisoformat(value if "." not in value else (value + "000000")[:26])
    return value


def galley_reads(relation, what):
    """The rows of a relation as Galley sees them, in Python's types."""
    code, out, err = galley(f"SELECT * FROM {relation}")
    if code != 0:
        check(False, f"{what}: {err.strip()}")
        return None
    rows = []
    for line in out.splitlines():
        values = json.loads(line, parse_float=decimal.Decimal)
        rows.append((values["id"], *(from_json(values[n], k) for n, k in TYPES.items())))
    return rows


def spark_session(warehouse):
    spark = (SparkSession.builder.master("local[2]").appName("cross check").config("spark.ui.enabled", "false")
             .config("spark.ui.showConsoleProgress", "false").config("spark.sql.session.timeZone", "UTC").config("spark.driver.host", "127.0.0.1").config("spark.driver.memory", "1g")
             .config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC").config("spark.sql.warehouse.dir", warehouse)
             .config("spark.sql.shuffle.partitions", "3").config("spark.sql.parquet.int96RebaseModeInWrite", "CORRECTED")
             .config("spark.sql.parquet.datetimeRebaseModeInWrite", "CORRECTED").getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def spark_rows(frame):
    return [tuple(row) for row in frame.select("id", *TYPES).collect()]


# --- checks -----------------------------------------------------------------------------------------------------------

SPARK_WRITES = {  # what the writer is told, and settings of the session
    "as it is": ({}, {}),
    "none, no dictionary": ({"compression": "none", "parquet.enable.dictionary": "false"}, {}),
    "zstd, pages v2": ({"compression": "zstd", "parquet.writer.version": "PARQUET_2_0"}, {}),
    "gzip, pages v2, no dictionary": ({"compression": "gzip", "parquet.writer.version": "PARQUET_2_0", "parquet.enable.dictionary": "false"}, {}),
    "lz4_raw, small pages": ({"compression": "lz4_raw", "parquet.page.size": "2000", "parquet.block.size": "40000"}, {}),
    "snappy, legacy layout": ({"compression": "snappy"}, {"spark.sql.parquet.writeLegacyFormat": "true"}),
    "microseconds": ({}, {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}),
    "bloom filter, checksums": ({"parquet.bloom.filter.enabled#word": "true", "parquet.page.write-checksum.enabled": "true"}, {}),
}
STAMPS = "yyyy-MM-dd HH:mm:ss.SSSSSS"
GALLEY_WRITES = ["snappy", "zstd", "lz4_raw", "gzip", "none"]


def check_spark_files(spark, frame, rows, folder):
    for number, (what, (options, settings)) in enumerate(SPARK_WRITES.items()):
        for key, value in settings.items():
            spark.conf.set(key, value)
        path = f"{folder}/spark-{number}"
        frame.repartition(3).write.options(**options).parquet(path)
        for key in settings:
            spark.conf.unset(key)
        got = galley_reads(f"parquet.`{path}`", f"Galley reads Spark's Parquet ({what})")
        if got is not None:
            compare(got, rows, f"Galley reads Spark's Parquet ({what})")


def check_galley_files(spark, frame, rows, folder):
    source = f"{folder}/spark-0"
    for codec in GALLEY_WRITES:
        what = f"Spark reads Galley's Parquet ({codec})"
        path = f"{folder}/galley-{codec}"
        code, _, err = galley(f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet OPTIONS (compression '{codec}') SELECT * FROM parquet.`{source}`")
        if code != 0:
            check(False, f"{what}: {err.strip()}")
            continue
        # Spark 4.0's own dictionary filter fails on LZ4_RAW dictionaries beyond 8 KiB, its own files' too: apache/parquet-java issue 3478.
        spark.conf.set("spark.sql.parquet.filterPushdown", str(codec != "lz4_raw").lower())
        written = spark.read.parquet(path)
        check([(f.name, f.dataType) for f in written.schema] == [(f.name, f.dataType) for f in frame.schema], f"{what}: types {written.schema.simpleString()}")
        compare(spark_rows(written), rows, what)
        # Statistics and row groups are used by Spark's filters: wrong ones would lose rows.
        for condition in ("big > 0", "word >= 'm'", "day < DATE'2000-01-01'", "moment >= TIMESTAMP'2020-06-01 00:00:00'", "dec18 > 1", "real IS NULL", "bool"):
            wanted = frame.where(condition).count()
            check(written.where(condition).count() == wanted, f"{what}: rows where {condition}")


def check_filters(frame, folder):
    """Galley skips row groups and pages by Spark's statistics."""
    for condition in ("id < 40", "big > 0", "tiny = 127", "word >= 'm'", "label = 'label 7'", "day < DATE'1950-01-01'",
                      "moment >= TIMESTAMP'2020-06-01 00:00:00'", "dec9 > 1", "dec38 < -1", "real > 1e50", "bool", "number IS NULL"):
        code, out, err = galley(f"SELECT count(*) AS n FROM parquet.`{folder}/spark-4` WHERE {condition}")
        what = f"Galley counts Spark's rows where {condition}"
        check(code == 0 and json.loads(out)["n"] == frame.where(condition).count(), f"{what}: {err.strip() or out}")


def check_text_files(spark, frame, rows, folder):
    """CSV and JSON lines: no binary column, as neither has one."""
    plain = [n for n, k in TYPES.items() if not isinstance(k, t.BinaryType)]
    schema = ", ".join(f"{n} {TYPES[n].simpleString()}" for n in plain)
    where = {n: i + 1 for i, n in enumerate(TYPES)}
    wanted = sorted((r[0], *(r[where[n]] for n in plain)) for r in rows)
    # By default Spark's CSV writer drops white space around texts.
    csv = {"header": True, "ignoreLeadingWhiteSpace": False, "ignoreTrailingWhiteSpace": False, "timestampFormat": STAMPS}
    frame.select("id", *plain).repartition(2).write.options(**csv).csv(f"{folder}/csv")
    frame.select("id", *plain).repartition(2).write.options(timestampFormat=STAMPS).json(f"{folder}/json")
    for kind, options in (("csv", ", header 'true'"), ("json", "")):
        what = f"Galley reads Spark's {kind}"
        code, out, err = galley(f"CREATE TEMPORARY VIEW v (id BIGINT, {schema}) USING {kind} OPTIONS (path '{folder}/{kind}'{options}); SELECT * FROM v")
        if code != 0:
            check(False, f"{what}: {err.strip()}")
            continue
        got = sorted((v["id"], *(from_json(v[n], TYPES[n]) for n in plain)) for v in map(lambda x: json.loads(x, parse_float=decimal.Decimal), out.splitlines()))
        bad = next(((g[0], n, a, b) for g, w in zip(got, wanted) for n, a, b in zip(("id", *plain), g, w) if not same(a, b)), None)
        check(len(got) == len(wanted) and bad is None, f"{what}: {len(got)} rows, first difference {bad}")
    for kind, options in (("csv", "OPTIONS (header 'true')"), ("json", "")):
        what = f"Spark reads Galley's {kind}"
        columns = ", ".join(plain)
        code, _, err = galley(f"INSERT OVERWRITE DIRECTORY '{folder}/ours-{kind}' USING {kind} {options} SELECT id, {columns} FROM parquet.`{folder}/spark-0`")
        if code != 0:
            check(False, f"{what}: {err.strip()}")
            continue
        # Spark reads the quoted empty text of a CSV file, its own too, as NULL: what it reads of its own files is what it has to read of ours.
        reader = spark.read.schema(f"id BIGINT, {schema}").options(**(csv if kind == "csv" else {}))
        own, got = (sorted(tuple(r) for r in getattr(reader, kind)(path).collect()) for path in (f"{folder}/{kind}", f"{folder}/ours-{kind}"))
        bad = next(((g[0], n, a, b) for g, w in zip(got, own) for n, a, b in zip(("id", *plain), g, w) if not same(a, b)), None)
        check(len(got) == len(own) and bad is None, f"{what}: {len(got)} rows, first difference {bad}")


def check_refusals(spark, folder):
    """What cannot be read is refused with a sentence, and so is not read wrongly."""
    for column, value in {"list": "array(1, 2)", "pair": "named_struct('a', 1)", "dict": "map('k', 2)"}.items():
        spark.sql(f"SELECT 1 AS id, {value} AS {column}").write.parquet(f"{folder}/nested-{column}")
        code, _, err = galley(f"SELECT * FROM parquet.`{folder}/nested-{column}`")
        check(code == 1 and f"column {column}" in err and "nested" in err and err.count("\n") == 1, f"nested column {column}: exit {code}: {err}")


def main():
    keep = sys.argv[sys.argv.index("--keep") + 1] if "--keep" in sys.argv else None
    folder = keep or tempfile.mkdtemp(prefix="galley-spark-")
    os.makedirs(folder, exist_ok=True)
    spark = spark_session(folder + "/warehouse")
    try:
        rows = make_rows(random.Random(SEED))
        schema = t.StructType([t.StructField("id", t.LongType()), *(t.StructField(n, k) for n, k in TYPES.items())])
        frame = spark.createDataFrame(rows, schema).cache()
        compare(spark_rows(frame), rows, "Spark keeps what it is given")
        check_spark_files(spark, frame, rows, folder)
        check_galley_files(spark, frame, rows, folder)
        check_filters(frame, folder)
        check_text_files(spark, frame, rows, folder)
        check_refusals(spark, folder)
    finally:
        spark.stop()
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"Spark cross check (seed {SEED}): {checks} checks, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
