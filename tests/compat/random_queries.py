#!/usr/bin/env python3
"""random_queries.py BIN [FIRST_SEED [SEEDS [QUERIES]]] - random SQL gives DuckDB's answers, with and without rules.

Small tables with many NULLs and an empty one; joins of all kinds, subqueries, DISTINCT aggregates with FILTER, nested
queries. Each query runs with the defaults, with a broadcast limit so small that plans differ, without broadcasts and
without any optimizer rule. Runs with the Python of the test environment (duckdb, pyarrow). A difference prints the
query; the seed repeats it.
"""
import datetime
import decimal
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import duckdb
import pyarrow
import pyarrow.parquet

RULES = ("fold_constants simplify factor_or outer_to_inner push_filter combine_projects combine_unions eliminate_sorts "
         "eliminate_distincts propagate_empty push_limit derive_filters push_semi reorder_joins reduce_aggregate "
         "prune_columns partial_aggregation choose_build_side reduce_join_sides share_exchanges").split()
VARIANTS = {
    "defaults": ["spark.sql.shuffle.partitions=3"],
    "few broadcasts": ["spark.sql.shuffle.partitions=3", "spark.sql.autoBroadcastJoinThreshold=700"],
    "no broadcasts": ["spark.sql.shuffle.partitions=3", "spark.sql.autoBroadcastJoinThreshold=-1"],
    "no rules": ["spark.sql.shuffle.partitions=2", "spark.sql.optimizer.excludedRules=" + ",".join(RULES)],
}
COLUMNS = {"k": "i", "x": "i", "s": "s", "d": "n", "t": "t", "f": "n"}  # name -> integer, string, number, date
TABLES = {"a": (60, 3), "b": (25, 1), "c": (9, 1), "e": (0, 1)}  # rows, files


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.aliases = 0

    def chance(self, probability):
        return self.random.random() < probability

    def one(self, *choices):
        return self.random.choice(choices)

    def write_tables(self, directory):
        def value(make):
            return lambda: None if self.chance(0.15) else make()
        makers = {
            "k": (pyarrow.int32(), value(lambda: self.random.randint(0, 12))),
            "x": (pyarrow.int64(), value(lambda: self.random.randint(-5, 20))),
            "s": (pyarrow.string(), value(lambda: self.one("a", "b", "ab", "", "x%", "zz"))),
            "d": (pyarrow.decimal128(10, 2), value(lambda: decimal.Decimal(self.random.randint(-500, 500)) / 100)),
            "t": (pyarrow.date32(),
                  value(lambda: datetime.date(2020, 1, 1) + datetime.timedelta(days=self.random.randint(0, 60)))),
            "f": (pyarrow.float64(), value(lambda: self.one(0.0, 1.5, -2.25, 3.0))),
        }
        for name, (rows, files) in TABLES.items():
            (directory / name).mkdir()
            for file in range(files):
                columns = {c: pyarrow.array([make() for _ in range(rows // files)], type_)
                           for c, (type_, make) in makers.items()}
                pyarrow.parquet.write_table(pyarrow.table(columns), directory / name / f"{file}.parquet",
                                            row_group_size=17)

    def column(self, columns, kind):
        names = [name for name, its_kind in columns if its_kind == kind]
        return self.random.choice(names) if names else None

    def literal(self, kind):
        return {"i": lambda: str(self.random.randint(-3, 15)), "s": lambda: self.one("'a'", "'b'", "'ab'", "''", "'zz'"),
                "n": lambda: self.one("1.5", "-0.25", "3", "0.00"),
                "t": lambda: f"date '2020-0{self.random.randint(1, 2)}-{self.random.randint(10, 28)}'"}[kind]()

    def value(self, columns, kind, depth=0):
        draw = self.random.random()
        if draw < 0.55 or depth > 2 or kind == "n":
            return self.column(columns, kind) or self.literal(kind)
        if draw < 0.7:
            return self.literal(kind)

        def again(its_kind=kind):
            return self.value(columns, its_kind, depth + 1)
        if kind == "i":
            return self.one(lambda: f"({again()} + {again()})", lambda: f"coalesce({again()}, {again()})",
                            lambda: f"nullif({again()}, {again()})",
                            lambda: f"(case when {self.condition(columns, depth + 1)} then {again()} "
                                    f"else {again()} end)")()
        if kind == "s":
            return self.one(lambda: f"coalesce({again()}, {again()})", lambda: f"({again()} || {self.literal('s')})",
                            lambda: f"upper({again()})")()
        return f"coalesce({again()}, {self.literal('t')})"

    def condition(self, columns, depth=0):
        draw, kind = self.random.random(), self.one(*"iiisnt")
        if depth < 3 and draw < 0.28:
            word = "and" if draw < 0.13 else "or"
            return f"({self.condition(columns, depth + 1)} {word} {self.condition(columns, depth + 1)})"
        if depth < 3 and draw < 0.36:
            return f"(not {self.condition(columns, depth + 1)})"
        left, negation = self.value(columns, kind, depth), self.one("", "not ")
        if draw < 0.45:
            return f"({left} is {negation}null)"
        if draw < 0.55:
            return f"({left} {negation}in ({', '.join(self.literal(kind) for _ in range(self.random.randint(1, 3)))}))"
        if draw < 0.6:
            return f"({self.value(columns, 's')} like '{self.one('a%', '%b', '_', '%')}')"
        if draw < 0.68:
            return f"({left} between {self.literal(kind)} and {self.literal(kind)})"
        return f"({left} {self.one('=', '=', '<', '>', '<=', '>=', '<>')} {self.value(columns, kind, depth)})"

    def alias(self):
        self.aliases += 1
        return f"r{self.aliases}"

    def table(self):
        alias = self.alias()
        return f"{self.one(*'aaabbce')} {alias}", [(f"{alias}.{c}", kind) for c, kind in COLUMNS.items()]

    def source(self, depth):
        if depth >= 2 or not self.chance(0.3):
            return self.table()
        text, columns = self.query(depth + 1)
        alias = self.alias()
        return f"({text}) {alias}", [(f"{alias}.{c}", kind) for c, kind in columns]

    def join_condition(self, left, right):
        kind = self.one(*"iiist")
        a, b = self.column(left, kind), self.column(right, kind)
        if a is None or b is None:
            return "1 = 1"
        if kind == "i" and self.chance(0.1):
            return f"{a} < {b}"
        text = f"{a} is not distinct from {b}" if self.chance(0.07) else f"{a} = {b}"
        return f"{text} and {self.condition(left + right, 1)}" if self.chance(0.35) else text

    def from_clause(self, depth):
        text, columns = self.source(depth)
        for _ in range(self.one(*([0, 0, 1, 1, 2, 3] if depth == 0 else [0, 0, 1]))):
            other, its_columns = self.source(depth)
            kind = self.one("join", "join", "left join", "left join", "right join", "full join", "left semi join",
                            "left anti join")
            text += f" {kind} {other} on {self.join_condition(columns, its_columns)}"
            if kind not in ("left semi join", "left anti join"):
                columns = columns + its_columns
        return text, columns

    def subquery_condition(self, columns):
        text, inner = self.table()
        kind, negation, where = self.one(*"ist"), self.one("", "not "), self.condition(inner, 1)
        a, b = self.column(columns, kind), self.column(inner, kind)
        if a is None or b is None:
            return self.condition(columns)
        draw = self.random.random()
        if draw < 0.25:
            return f"{a} {negation}in (select {b} from {text} where {where})"
        if draw < 0.6:
            return f"{negation}exists (select 1 from {text} where {b} = {a} and {where})"
        return (f"{self.column(columns, 'i') or 3} {self.one('<', '>', '=')} (select "
                f"{self.one('max', 'min', 'sum', 'count')}({self.column(inner, 'i')}) from {text} where {b} = {a})")

    def aggregate(self, columns):
        argument = self.value(columns, "i", 1)
        text = self.one("count({})", "sum({})", "min({})", "max({})", "count(distinct {})", "sum(distinct {})",
                        "count(*)", "avg({})").format(argument)
        condition = f" filter (where {self.condition(columns, 2)})" if self.chance(0.15) else ""
        return text + condition, "n" if text.startswith("avg") else "i"

    def query(self, depth=0):
        source, columns = self.from_clause(depth)
        where = [self.condition(columns)] if self.chance(0.25) else []
        if depth == 0 and self.chance(0.5):
            where.append(self.subquery_condition(columns))
        tail = " where " + " and ".join(where) if where else ""
        if self.chance(0.4):
            groups = [(self.column(columns, kind), kind) for kind in self.random.sample("iist", self.random.randrange(3))]
            groups = [(name, kind) for name, kind in groups if name]
            items = groups + [self.aggregate(columns) for _ in range(self.random.randint(1, 3))]
            if groups:
                tail += " group by " + ", ".join(name for name, _ in groups)
                tail += f" having count(*) > {self.random.randint(0, 2)}" if self.chance(0.2) else ""
        else:
            items = [(self.value(columns, kind), kind) for kind in self.random.choices("iistn", k=self.one(1, 2, 3, 4))]
        distinct = "distinct " if self.chance(0.15) else ""
        names = ", ".join(f"{text} as c{i}" for i, (text, _) in enumerate(items))
        return f"select {distinct}{names} from {source}{tail}", [(f"c{i}", kind) for i, (_, kind) in enumerate(items)]


def plain(value, kind):
    if value is None:
        return ""
    return f"{round(float(value), 6) + 0.0}" if kind in "in" else str(value)


def answers_of_duckdb(connection, text, kinds):
    text = text.replace("left semi join", "semi join").replace("left anti join", "anti join")
    return sorted(tuple(plain(v, k) for v, k in zip(row, kinds)) for row in connection.execute(text).fetchall())


def answers_of_galley(binary, script, queries, settings):
    body = "".join(f"select 'query {i}' as marker;\n{text};\n" for i, (text, _, _) in enumerate(queries))
    script.write_text(script.with_suffix(".views").read_text() + body)
    options = [option for setting in settings for option in ("--conf", setting)]
    run = subprocess.run([binary, "run", script, "--executors", "1", "--cores", "2", "--quiet", "--progress", "false",
                          "--format", "json", *options], capture_output=True, text=True, timeout=900)
    answers, current = {}, None
    for line in run.stdout.splitlines():
        row = json.loads(line, object_pairs_hook=lambda pairs: [value for _, value in pairs])
        if len(row) == 1 and str(row[0]).startswith("query "):
            current = int(row[0][6:])
            answers[current] = []
        else:
            kinds = queries[current][1]
            answers[current].append(tuple(plain(v, k) for v, k in zip(row, kinds)))
    return answers, run.stderr.strip()


def run_seed(binary, seed, wanted):
    generator, failures = Generator(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        generator.write_tables(folder)
        connection = duckdb.connect()
        for name in TABLES:
            connection.execute(f"create view {name} as select * from '{folder}/{name}/*.parquet'")
        (folder / "script.views").write_text("".join(
            f"create or replace temporary view {name} using parquet options (path '{folder}/{name}');\n"
            for name in TABLES))
        queries = []
        while len(queries) < wanted:
            text, columns = generator.query()
            kinds = [kind for _, kind in columns]
            try:
                queries.append((text, kinds, answers_of_duckdb(connection, text, kinds)))
            except duckdb.Error:
                continue  # an overflow, a comparison DuckDB does not make
        for variant, settings in VARIANTS.items():
            answers, error = answers_of_galley(binary, folder / "script.sql", queries, settings)
            for i, (text, _, expected) in enumerate(queries):
                if i not in answers or (error and i == max(answers)):
                    print(f"seed {seed}, {variant}: stopped at query {i}: {error[-300:]}\n  {text}")
                    failures += 1
                    break
                if sorted(answers[i]) != expected:
                    print(f"seed {seed}, {variant}: {len(answers[i])} rows, DuckDB {len(expected)}\n  {text}\n"
                          f"  {sorted(answers[i])[:3]}\n  {expected[:3]}")
                    failures += 1
    print(f"seed {seed}: {len(queries)} queries, {sum(1 for q in queries if q[2])} with rows, {failures} failures")
    return failures


def main():
    binary, numbers = sys.argv[1], [int(text) for text in sys.argv[2:]]
    first, seeds, wanted = (numbers + [1, 5, 100][len(numbers):])[:3]
    return 1 if sum(run_seed(binary, seed, wanted) for seed in range(first, first + seeds)) else 0


if __name__ == "__main__":
    sys.exit(main())
