#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A strict reader of Prometheus' text format 0.0.4, written from its description.

Reads standard input and complains (status 1) of whatever a careful exporter does not do: samples without HELP
and TYPE, families in pieces, series twice, counters that are not called _total, labels that are not escaped.
Prints one sample a line: its name, its labels sorted, its value, with tabs; or only checks, with --check.
"""
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
VALUE = re.compile(r"[-+]?(\d+(\.\d+)?([eE][-+]?\d+)?|Inf|NaN)$")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")


class Bad(Exception):
    pass


def unescape(text):
    return re.sub(r'\\(.)', lambda match: "\n" if match[1] == "n" else match[1], text)


def read_labels(text):
    """The labels of '{...}' at the beginning, and what is behind it."""
    labels, at = {}, 1
    while text[at:at + 1] != "}":
        match = LABEL.match(text, at)
        if not match:
            raise Bad("a label is expected at: " + text[at:])
        if match[1] in labels:
            raise Bad("a label twice: " + match[1])
        labels[match[1]] = unescape(match[2])
        at = match.end()
        if text[at:at + 1] == ",":
            at += 1
        elif text[at:at + 1] != "}":
            raise Bad("a comma or } is expected at: " + text[at:])
    return labels, text[at + 1:]


class Reader:
    def __init__(self):
        self.helps, self.types, self.finished, self.series = {}, {}, set(), set()
        self.family = None
        self.samples = []

    def enter(self, name):
        if name != self.family:
            if name in self.finished:
                raise Bad("a family in pieces: " + name)
            self.finished.add(self.family)
            self.family = name

    def read_comment(self, line):
        kind, name, rest = (line.split(" ", 3) + ["", "", ""])[1:4]
        if kind not in ("HELP", "TYPE"):
            return
        if not NAME.fullmatch(name):
            raise Bad("no name: " + name)
        self.enter(name)
        known = self.helps if kind == "HELP" else self.types
        if name in known:
            raise Bad(kind + " twice: " + name)
        if not rest or (kind == "TYPE" and rest not in TYPES):
            raise Bad(f"{kind} of {name}: {rest!r}")
        known[name] = rest

    def read_sample(self, line):
        match = NAME.match(line)
        if not match:
            raise Bad("no name")
        name, rest, labels = match[0], line[match.end():], {}
        if rest.startswith("{"):
            labels, rest = read_labels(rest)
        if not rest.startswith(" ") or not VALUE.match(rest[1:]):
            raise Bad("no value: " + rest)
        self.enter(name)
        if name not in self.helps or name not in self.types:
            raise Bad("no HELP or TYPE before " + name)
        if (self.types[name] == "counter") != name.endswith("_total"):
            raise Bad("_total is for counters: " + name)
        series = (name, tuple(sorted(labels.items())))
        if series in self.series:
            raise Bad("a series twice")
        self.series.add(series)
        self.samples.append((name, labels, rest[1:]))

    def read(self, text):
        if not text.endswith("\n"):
            raise Bad("the last line has no end")
        for number, line in enumerate(text[:-1].split("\n"), 1):
            try:
                if line.startswith("#"):
                    self.read_comment(line)
                elif line:
                    self.read_sample(line)
            except Bad as error:
                raise Bad(f"line {number}: {error}: {line}") from None


def main():
    reader = Reader()
    try:
        reader.read(sys.stdin.read())
    except Bad as error:
        sys.exit(f"prometheus.py: {error}")
    if sys.argv[1:] == ["--check"]:
        return
    for name, labels, value in reader.samples:
        text = ",".join(f"{key}={labels[key]}" for key in sorted(labels))
        print(name, text, value, sep="\t")


main()
