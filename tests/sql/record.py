#!/usr/bin/env python3
"""record.py FILE.test... - fills in the answers of `query` records from Apache Spark itself.

Needs PySpark and Java (bench/run.sh installs them). The file's first line then names Spark's version. Records whose
answer Spark gives otherwise on purpose are marked `query ... ours` and left alone; `statement error` is only checked.
"""
import pathlib
import shutil
import sys
import tempfile

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import run_sql_tests


def cell(value):
    if value is None:
        return ""
    if value == "" or any(c in value for c in ',"\n\r'):
        return '"' + value.replace('"', '""') + '"'
    return value


def record_file(spark, path):
    records, only = run_sql_tests.parse(path)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="record-"))
    out = [f"# answers recorded from Spark {spark.version}"]
    if only:
        out += ["only " + " ".join(only)]
    for view in spark.catalog.listTables():
        spark.catalog.dropTempView(view.name)
    for r in records:
        sql = r.sql.replace("${dir}", str(directory))
        head = f"query {r.argument}".rstrip() if r.kind == "query" else f"statement {r.kind} {r.argument}".rstrip()
        lines = [head] + r.sql.split("\n")
        try:
            frame = spark.sql(sql)
            if r.kind == "error":
                frame.collect()
                print(f"{path}:{r.line}: Spark gives no error")
            if r.kind == "query" and "ours" not in r.argument:
                names = [f"c{i}" for i in range(len(frame.columns))]
                texts = frame.toDF(*names).select([F.col(n).cast("string") for n in names]).collect()
                lines += ["----"] + [",".join(cell(v) for v in row) or "(empty)" for row in texts]
            elif r.kind == "query":
                lines += ["----"] + (r.expected or [])
        except Exception as error:  # noqa: BLE001 - whatever Spark throws is the answer
            if r.kind != "error":
                print(f"{path}:{r.line}: Spark: {str(error)[:200]}")
                lines += ["----"] + (r.expected or []) if r.kind == "query" else []
        out += [""] + lines
    path.write_text("\n".join(out) + "\n")
    shutil.rmtree(directory, ignore_errors=True)


def main():
    spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
             .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "3").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    for name in sys.argv[1:]:
        record_file(spark, pathlib.Path(name))


if __name__ == "__main__":
    main()
