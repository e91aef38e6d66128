#!/usr/bin/env python3
"""update_schedule.py [--check] - copies the specification of an application into galleyschedule.yaml.

A schedule's template.spec is what lies between "begin spec" and "end spec" of galleyapplication.yaml, but for
the rules about changes ("begin live" to "end live"). With --check it only says whether the copy is the same.
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE, TARGET = HERE / "galleyapplication.yaml", HERE / "galleyschedule.yaml"
MARKED = re.compile(r"(?ms)^( *)# begin spec\n(.*?)^ *# end spec\n")


def application_spec():
    match = MARKED.search(SOURCE.read_text())
    text = re.sub(r"(?ms)^ *# Only what follows[^\n]*\n *# begin live\n.*?^ *# end live\n", "", match.group(2))
    return len(match.group(1)), text.splitlines()


def updated():
    column, lines = application_spec()

    def replace(match):
        shift = len(match.group(1)) - column
        body = "".join(" " * shift + line + "\n" if line else "\n" for line in lines)
        indent = match.group(1)
        return f"{indent}# begin spec\n{body}{indent}# end spec\n"

    return MARKED.sub(replace, TARGET.read_text(), count=1)


def main():
    text = updated()
    if "--check" in sys.argv[1:]:
        if text != TARGET.read_text():
            sys.exit("galleyschedule.yaml is older than galleyapplication.yaml; run k8s/crd/update_schedule.py")
        return
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
