#!/usr/bin/env python3
"""Our Parquet reader and writer against pyarrow and DuckDB.

    parquet_cross_check.py BIN [--all]

BIN is the folder of galley-parquet-dump and galley-parquet-copy, or the path of the first; --all
tries every combination, which takes minutes.  pyarrow and DuckDB write files in all
encodings, codecs, page versions, types and null patterns; our dump must show the same rows.  Files
that our writer makes must read the same with pyarrow and DuckDB.  Ends with 77 ("skipped") if the
two libraries are not installed.
"""
import datetime
import decimal
import json
import math
import os
import random
import subprocess
import sys
import tempfile

try:
    import duckdb
    import numpy
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

DUMP = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else sys.exit(__doc__)
if os.path.isdir(DUMP):
    DUMP = os.path.join(DUMP, "galley-parquet-dump")
COPY = os.path.join(os.path.dirname(DUMP), "galley-parquet-copy")
QUICK = "--all" not in sys.argv
ROWS = 2600 if QUICK else 6000
random.seed(4711)
EPOCH = datetime.date(1970, 1, 1)
checks = 0


def fail(message):
    print("FAILED: " + message)
    sys.exit(1)


def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, check=False)
    if done.returncode != 0:
        fail(" ".join(arguments) + ": " + done.stderr.decode(errors="replace"))
    return done.stdout


def to_micros(array, unit):
    values = array.cast(pa.int64()).to_pylist()
    scale = {"s": (1000000, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}[unit]
    return [None if v is None else v * scale[0] // scale[1] for v in values]


def expected(column):
    """A column as our dump shows it."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_timestamp(kind):
        return to_micros(column, kind.unit)
    values = column.to_pylist()
    if pa.types.is_date(kind):
        return [None if v is None else (v - EPOCH).days for v in values]
    if pa.types.is_decimal(kind):
        return [None if v is None else format(v, "f") for v in values]
    if pa.types.is_uint64(kind):
        return [None if v is None else str(v) for v in values]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or \
            pa.types.is_fixed_size_binary(kind):
        return [None if v is None else v.hex() for v in values]
    if pa.types.is_floating(kind):
        def show(v):
            if v is None:
                return None
            if math.isnan(v):
                return "NaN"
            if math.isinf(v):
                return "Infinity" if v > 0 else "-Infinity"
            return float(v)
        return [show(v) for v in values]
    return values


def compare(path, table, what):
    global checks
    checks += 1
    lines = run(DUMP, path).split(b"\n")[:-1]
    if len(lines) != table.num_rows:
        fail(f"{what}: {len(lines)} rows instead of {table.num_rows}")
    rows = [json.loads(line) for line in lines]
    for index, name in enumerate(table.column_names):
        want = expected(table.column(index))
        for row, value in enumerate(want):
            if rows[row][index] != value:
                fail(f"{what}: column {name}, row {row}: {rows[row][index]!r} "
                     f"instead of {value!r}")


# ---- data ---------------------------------------------------------------------------------------

def null_patterns(count):
    half = count // 2
    return {
        "none": [False] * count,
        "all": [True] * count,
        "few": [random.random() < 0.05 for _ in range(count)],
        "most": [random.random() < 0.95 for _ in range(count)],
        "alternating": [i % 2 == 0 for i in range(count)],
        "runs": [(i // 700) % 2 == 0 for i in range(count)],
        "head": [i < half for i in range(count)],
    }


def text(n):
    letters = "abcdefghijklmnop äöü€ \"\\\n😀"
    return "".join(random.choice(letters) for _ in range(n))


def random_decimal(precision, scale):
    digits = random.randint(1, precision)
    value = random.randrange(-10**digits + 1, 10**digits)
    return decimal.Decimal(value).scaleb(-scale, decimal.Context(prec=60))


def stamp():
    return random.randrange(-2**52, 2**52)


TYPES = {
    "boolean": (pa.bool_(), lambda: random.random() < 0.5),
    "int8": (pa.int8(), lambda: random.randrange(-128, 128)),
    "int16": (pa.int16(), lambda: random.randrange(-2**15, 2**15)),
    "int32": (pa.int32(), lambda: random.randrange(-2**31, 2**31)),
    "int64": (pa.int64(), lambda: random.randrange(-2**63, 2**63)),
    "uint8": (pa.uint8(), lambda: random.randrange(0, 256)),
    "uint16": (pa.uint16(), lambda: random.randrange(0, 2**16)),
    "uint32": (pa.uint32(), lambda: random.randrange(0, 2**32)),
    "uint64": (pa.uint64(), lambda: random.randrange(0, 2**64)),
    "float16": (pa.float16(), lambda: numpy.float16(random.choice([0.0, -0.0, 1.5, 6e-8, 65504.0,
                                                                  math.inf, math.nan, -2.25]))),
    "float": (pa.float32(), lambda: random.choice([random.gauss(0, 1e10), 0.0, math.nan])),
    "double": (pa.float64(), lambda: random.choice([random.gauss(0, 1e100), -0.0, math.inf])),
    "date": (pa.date32(), lambda: EPOCH + datetime.timedelta(random.randrange(-50000, 50000))),
    "ts_s": (pa.timestamp("s"), lambda: stamp() // 10**6),
    "ts_ms": (pa.timestamp("ms", tz="UTC"), lambda: stamp() // 1000),
    "ts_us": (pa.timestamp("us", tz="UTC"), stamp),
    "ts_us_ntz": (pa.timestamp("us"), stamp),
    "ts_ns": (pa.timestamp("ns", tz="UTC"), lambda: random.randrange(-2**62, 2**62)),
    "decimal5": (pa.decimal128(5, 2), lambda: random_decimal(5, 2)),
    "decimal18": (pa.decimal128(18, 4), lambda: random_decimal(18, 4)),
    "decimal25": (pa.decimal128(25, 0), lambda: random_decimal(25, 0)),
    "decimal38": (pa.decimal128(38, 10), lambda: random_decimal(38, 10)),
    "string": (pa.string(), lambda: text(random.choice([0, 1, 4, 5, 11, 12, 13, 14, 30]))),
    "long_string": (pa.string(), lambda: text(random.choice([0, 100, 1000]))),
    "binary": (pa.binary(), lambda: random.randbytes(random.randrange(0, 20))),
    "fixed": (pa.binary(7), lambda: random.randbytes(7)),
    "uuid_like": (pa.binary(16), lambda: random.randbytes(16)),
    "prefixes": (pa.string(), lambda: "https://example.com/" + "a/" * random.randrange(0, 9)
                 + str(random.randrange(1000))),
}


def make_column(name, nulls, distinct):
    kind, make = TYPES[name]
    if distinct:
        pool = [make() for _ in range(distinct)]
        if distinct < 5:  # long runs, too
            values = [pool[(i // 97) % distinct] for i in range(len(nulls))]
        else:
            values = [random.choice(pool) for _ in nulls]
    else:
        values = [make() for _ in nulls]
    values = [None if is_null else value for value, is_null in zip(values, nulls)]
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.int64()).cast(kind)
    if pa.types.is_float16(kind):
        return pa.array(values, type=kind)
    return pa.array(values, kind)


def make_table(pattern, distinct, names=None, required=False):
    nulls = null_patterns(ROWS)[pattern]
    names = names or list(TYPES)
    fields = [pa.field(n, TYPES[n][0], nullable=not required) for n in names]
    return pa.table([make_column(n, nulls, distinct) for n in names], schema=pa.schema(fields))


# ---- reading ------------------------------------------------------------------------------------

def check_pyarrow_files(folder):
    path = os.path.join(folder, "a.parquet")
    codecs = ["none", "snappy", "gzip", "zstd", "lz4"]
    turn = 0
    for pattern in null_patterns(1):
        for distinct in (0, 2, 40, 600):
            table = make_table(pattern, distinct)
            for version in ("1.0", "2.0"):
                codec = codecs[turn % len(codecs)]
                turn += 1
                for page_size, group in ((1 << 20, ROWS), (3000, 2500)):
                    for dictionary in (True, False):
                        if QUICK and turn % 3 != 0:
                            continue
                        pq.write_table(table, path, compression=codec, data_page_version=version,
                                       use_dictionary=dictionary, data_page_size=page_size,
                                       row_group_size=group, write_batch_size=97,
                                       dictionary_pagesize_limit=20000, version="2.6")
                        compare(path, table, f"pyarrow {codec} v{version} nulls {pattern} "
                                f"distinct {distinct} page {page_size} dictionary {dictionary}")


def check_encodings(folder):
    path = os.path.join(folder, "e.parquet")
    integers = ["int32", "int64", "date", "ts_us", "ts_ms", "uint32", "int8"]
    texts = ["string", "long_string", "binary", "prefixes"]
    numbers = ["float", "double", "int32", "int64", "float16", "fixed", "decimal38", "uuid_like"]
    encodings = {
        "DELTA_BINARY_PACKED": integers,
        "DELTA_LENGTH_BYTE_ARRAY": texts,
        "DELTA_BYTE_ARRAY": texts + ["fixed", "decimal25", "uuid_like"],
        "BYTE_STREAM_SPLIT": numbers,
        "PLAIN": list(TYPES),
        "RLE": ["boolean"],
    }
    for encoding, names in encodings.items():
        for pattern in null_patterns(1):
            table = make_table(pattern, 0 if encoding != "RLE" else 2, names)
            for version in ("1.0", "2.0"):
                pq.write_table(table, path, use_dictionary=False, data_page_version=version,
                               column_encoding={n: encoding for n in names}, data_page_size=5000,
                               compression="snappy", write_batch_size=211, version="2.6")
                compare(path, table, f"{encoding} v{version} nulls {pattern}")
    small = pa.table({"i": pa.array([5, 5, 5, 6, 2**62, -2**63, 2**63 - 1, 0], pa.int64()),
                      "j": pa.array([1, 2, 3, 4, 5, 6, 7, 8], pa.int32())})
    pq.write_table(small, path, use_dictionary=False,
                   column_encoding={"i": "DELTA_BINARY_PACKED", "j": "DELTA_BINARY_PACKED"})
    compare(path, small, "small deltas")


def check_special_files(folder):
    path = os.path.join(folder, "s.parquet")
    required = make_table("none", 0, required=True)
    pq.write_table(required, path, use_dictionary=False, compression="none", version="2.6")
    compare(path, required, "required columns")
    pq.write_table(make_table("few", 50, required=False).slice(0, 0), path)
    if run(DUMP, path) != b"":
        fail("an empty file has rows")
    table = make_table("few", 0, ["ts_us", "ts_us_ntz", "ts_ms"])
    pq.write_table(table, path, use_deprecated_int96_timestamps=True)
    compare(path, table, "INT96")
    table = make_table("few", 0, ["decimal5", "decimal18"])
    pq.write_table(table, path, store_decimal_as_integer=True)
    compare(path, table, "decimals as integers")
    for count in (1, 2, 2047, 2048, 2049, 4096):
        some = make_table("few", 7).slice(0, count)
        pq.write_table(some, path, row_group_size=2048, version="2.6")
        compare(path, some, f"{count} rows")
    os.mkdir(os.path.join(folder, "parts"))
    for day in ("2024-01-01", "2024-02-29"):
        os.mkdir(os.path.join(folder, "parts", "dt=" + day))
        pq.write_table(pa.table({"x": pa.array([1, 2])}),
                       os.path.join(folder, "parts", "dt=" + day, "p.parquet"))
    rows = [json.loads(line) for line in run(DUMP, os.path.join(folder, "parts")).splitlines()]
    if rows != [[1, 19723], [2, 19723], [1, 19782], [2, 19782]]:
        fail(f"partition columns: {rows}")


def check_duckdb_files(folder):
    path = os.path.join(folder, "d.parquet")
    connection = duckdb.connect()
    for codec in ("uncompressed", "snappy", "gzip", "zstd", "lz4_raw"):
        for version in ("V1", "V2"):
            connection.execute(
                f"""COPY (SELECT i::INTEGER AS a, (i * 7919 % 1000)::BIGINT AS b,
                    CASE WHEN i % 3 = 0 THEN NULL ELSE 'text ' || (i % 100) END AS c,
                    CASE WHEN i % 7 = 0 THEN NULL ELSE 'long unique text ' || i END AS d,
                    (i / 8)::DOUBLE AS e, (i % 5 = 0) AS f, DATE '2020-01-01' + i::INTEGER AS g,
                    (i / 100)::DECIMAL(18, 3) AS h, (i * 1000)::DECIMAL(38, 5) AS k,
                    i::FLOAT AS l, (i % 200)::UTINYINT AS m
                    FROM range({ROWS * 2}) t(i) WHERE i < 200 OR i % 2 = 0)
                    TO '{path}' (FORMAT parquet, COMPRESSION {codec}, PARQUET_VERSION {version},
                                 ROW_GROUP_SIZE 2048)""")
            table = pq.read_table(path)
            compare(path, table, f"DuckDB {codec} {version}")


# ---- writing ------------------------------------------------------------------------------------

def same(a, b):
    """Equal columns, NaN equal to NaN."""
    return a == b or (isinstance(a, float) and isinstance(b, float) and a != a and b != b)


def check_statistics(path, table):
    meta = pq.read_metadata(path)
    for index, name in enumerate(table.column_names):
        nulls = 0
        for group in range(meta.num_row_groups):
            statistics = meta.row_group(group).column(index).statistics
            nulls += statistics.null_count
        if nulls != table.column(name).null_count:
            fail(f"statistics of {name}: {nulls} nulls")
        if pa.types.is_integer(table.column(name).type) and table.column(name).null_count < ROWS:
            low = min(meta.row_group(g).column(index).statistics.min
                      for g in range(meta.num_row_groups)
                      if meta.row_group(g).column(index).statistics.has_min_max)
            if low != min(v for v in table.column(name).to_pylist() if v is not None):
                fail(f"statistics of {name}: minimum {low}")


def check_writer(folder):
    source = os.path.join(folder, "w.parquet")
    target = os.path.join(folder, "w2.parquet")
    names = [n for n in TYPES if n not in ("uint64", "float16")]
    for pattern in null_patterns(1):
        for distinct in (0, 2, 40, 600):
            for codec in ("none", "snappy", "gzip", "zstd", "lz4"):
                if (QUICK or distinct in (2, 600)) and codec in ("none", "gzip"):
                    continue
                table = make_table(pattern, distinct, names)
                pq.write_table(table, source, version="2.6")
                run(COPY, source, target, f"compression={codec}", "row_group_rows=4000")
                compare(target, table, f"our writer, our reader: {codec} {pattern} {distinct}")
                again = pq.read_table(target)
                for name in names:
                    a, b = expected(again.column(name)), expected(table.column(name))
                    if not all(map(same, a, b)):
                        fail(f"pyarrow reads our {codec} file differently: {name} {pattern}")
                check_statistics(target, table)
                in_duckdb = duckdb.connect().execute(
                    f"SELECT int32, string, decimal38, date, ts_us_ntz, double "
                    f"FROM '{target}'").fetchall()
                for i, row in enumerate(in_duckdb):
                    want = table.slice(i, 1).to_pylist()[0] if i % 50 == 0 else None
                    if want is not None and (row[0], row[1], row[2], row[3], row[4]) != (
                            want["int32"], want["string"], want["decimal38"], want["date"],
                            want["ts_us_ntz"]):
                        fail(f"DuckDB reads our {codec} file differently: {row} {want}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_special_files(folder)
        check_encodings(folder)
        check_duckdb_files(folder)
        check_writer(folder)
        check_pyarrow_files(folder)
    print(f"{checks} files compared")


main()
