#!/usr/bin/env python3
"""Seeds for fuzz_parquet and fuzz_parquet_column: small files of every type, encoding and codec.

    parquet_corpus.py FOLDER

makes FOLDER/fuzz_parquet and FOLDER/fuzz_parquet_column.  Needs pyarrow.
"""
import decimal
import io
import os
import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 40
PHYSICAL = {"BOOLEAN": 0, "INT32": 1, "INT64": 2, "INT96": 3, "FLOAT": 4, "DOUBLE": 5,
            "BYTE_ARRAY": 6, "FIXED_LEN_BYTE_ARRAY": 7}
CODEC = {"UNCOMPRESSED": 0, "SNAPPY": 1, "GZIP": 2, "LZ4": 5, "ZSTD": 4}
NOTE = {"STRING": 1, "DECIMAL": 4, "TIMESTAMP": 6, "DATE": 5}
random.seed(1)

TYPES = {
    "boolean": (pa.bool_(), lambda: random.random() < 0.5),
    "int8": (pa.int8(), lambda: random.randrange(-128, 128)),
    "int32": (pa.int32(), lambda: random.randrange(-2**31, 2**31)),
    "int64": (pa.int64(), lambda: random.randrange(-2**63, 2**63)),
    "uint64": (pa.uint64(), lambda: random.randrange(0, 2**64)),
    "float": (pa.float32(), lambda: random.gauss(0, 1e10)),
    "double": (pa.float64(), lambda: random.gauss(0, 1e100)),
    "date": (pa.date32(), lambda: random.randrange(-50000, 50000)),
    "stamp": (pa.timestamp("ms", tz="UTC"), lambda: random.randrange(-2**42, 2**42)),
    "decimal9": (pa.decimal128(9, 2), lambda: decimal.Decimal(random.randrange(10**9)).scaleb(-2)),
    "decimal38": (pa.decimal128(38, 3), lambda: decimal.Decimal(random.randrange(10**30)).scaleb(-3)),
    "string": (pa.string(), lambda: "x" * random.randrange(20) + str(random.randrange(100))),
    "binary": (pa.binary(), lambda: random.randbytes(random.randrange(20))),
    "fixed": (pa.binary(7), lambda: random.randbytes(7)),
}
ENCODINGS = {
    "PLAIN": list(TYPES),
    "DELTA_BINARY_PACKED": ["int8", "int32", "int64", "date", "stamp"],
    "DELTA_LENGTH_BYTE_ARRAY": ["string", "binary"],
    "DELTA_BYTE_ARRAY": ["string", "binary", "fixed"],
    "BYTE_STREAM_SPLIT": ["float", "double", "int32", "int64", "fixed", "decimal38"],
    "RLE": ["boolean"],
}


def column(name, share_of_nulls, distinct):
    kind, make = TYPES[name]
    pool = [make() for _ in range(distinct or ROWS)]
    values = [None if random.random() < share_of_nulls else random.choice(pool)
              for _ in range(ROWS)]
    return pa.array(values, pa.int64()).cast(kind) if name == "stamp" else pa.array(values, kind)


def tables():
    for codec in ("none", "snappy", "gzip", "zstd", "lz4"):
        for version in ("1.0", "2.0"):
            for nulls in (0, 0.2, 1):
                names = random.sample(list(TYPES), 4)
                table = pa.table({n: column(n, nulls, random.choice([0, 3])) for n in names})
                yield table, {"compression": codec, "data_page_version": version,
                              "use_dictionary": random.random() < 0.6, "data_page_size": 50,
                              "write_batch_size": 7, "row_group_size": 25}
    for encoding, names in ENCODINGS.items():
        for version in ("1.0", "2.0"):
            for codec in ("none", "snappy"):
                table = pa.table({n: column(n, 0.1, 0) for n in names})
                yield table, {"compression": codec, "data_page_version": version,
                              "use_dictionary": False,
                              "column_encoding": {n: encoding for n in names}}


def chunks(data):
    """The column chunks of a file as inputs of fuzz_parquet_column: eight bytes, then pages."""
    meta = pq.ParquetFile(io.BytesIO(data)).metadata
    for group in range(meta.num_row_groups):
        for index in range(meta.num_columns):
            chunk = meta.row_group(group).column(index)
            leaf = meta.schema.column(index)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            length = (leaf.length - 1) % 20 if leaf.length else 0
            head = bytes([PHYSICAL[chunk.physical_type], leaf.max_definition_level, length,
                          NOTE.get(leaf.logical_type.type, 0), chunk.num_values - 1, 0,
                          CODEC[chunk.compression], random.randrange(256)])
            yield head + data[start:start + chunk.total_compressed_size]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for target in ("fuzz_parquet", "fuzz_parquet_column"):
        os.makedirs(os.path.join(sys.argv[1], target), exist_ok=True)
    files = columns = 0
    for table, options in tables():
        sink = io.BytesIO()
        pq.write_table(table, sink, store_schema=False, version="2.6", **options)
        data = sink.getvalue()
        with open(os.path.join(sys.argv[1], "fuzz_parquet", f"{files}"), "wb") as out:
            out.write(bytes([files & 1]) + data)
        files += 1
        for chunk in chunks(data):
            path = os.path.join(sys.argv[1], "fuzz_parquet_column", f"{columns}")
            with open(path, "wb") as out:
                out.write(chunk)
            columns += 1
    print(f"{files} files, {columns} chunks")


main()
