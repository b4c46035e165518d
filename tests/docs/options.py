#!/usr/bin/env python3
"""The manual page of the command tells of every command and option that --help prints, with argument and default, and
of no other; nor does a further page name an option that does not exist.

usage: options.py OTLPKIT MANUAL [PAGE...]
"""

import re
import subprocess
import sys

COMMON = "All commands"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def entry(option, about):
    """--timeout TIME default 5s"""
    return " ".join([option, *re.findall(r"\bdefault [^);]*", about)])


def helped(otlpkit, command):
    lines = re.findall(r"^  (--[a-z-]+(?: \S+)?) +(.*)", run(otlpkit, command, "--help"), re.MULTILINE)
    return {entry(*line) for line in lines}


def as_help_has_it(item):
    """.It Fl -report Ar FORMAT Ns Op = Ns Ar FILE"""
    return re.sub(r" Ns Op = Ns Ar (\w+)", r"[=\1]", item).replace("Fl -", "--").replace(" Ar ", " ")


class Section:
    def __init__(self, text):
        items = re.findall(r"^\.It (Fl .*)\n((?:(?!\.It|\.El).*\n)*)", text, re.MULTILINE)
        self.options = {entry(as_help_has_it(option), about.replace("\n", " ")) for option, about in items}
        self.names = set(re.findall(r"^\.Sx (.+?)(?: [.,:])?$", text, re.MULTILINE))


def sections(text):
    found = re.findall(r"^\.Ss (.*)\n((?:(?!\.S[hs] ).*\n)*)", text, re.MULTILINE)
    return {title: Section(body) for title, body in found}


def unknown(what, has, wanted):
    return [f"{what}: --help does not print {more}" for more in sorted(has - wanted)]


def differences(what, has, wanted):
    return unknown(what, has, wanted) + [f"{what}: misses {less}" for less in sorted(wanted - has)]


def main():
    otlpkit, manual, *pages = sys.argv[1:]
    commands = set(re.findall(r"^  ([a-z]+)  ", run(otlpkit, "--help"), re.MULTILINE))
    with open(manual, encoding="utf-8") as file:
        text = file.read()
    told = sections(text)
    wrong = differences("COMMANDS", set(sections(text.split(".Sh OPTIONS")[0])), commands)
    wrong += differences("SYNOPSIS", set(re.findall(r"^\.Nm\n\.Cm (\w+)", text, re.MULTILINE)), commands)
    known = set()
    for command in sorted(commands & set(told)):
        wanted = helped(otlpkit, command)
        parts = [told[command], told[COMMON], *(told[name] for name in told[command].names)]
        wrong += differences(command, set().union(*(part.options for part in parts)), wanted)
        known |= {option.split()[0] for option in wanted}
    wrong += unknown(manual, {f"-{name}" for name in re.findall(r"\bFl (-[a-z-]+)", text)}, known)
    for page in pages:
        with open(page, encoding="utf-8") as file:
            wrong += unknown(page, set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", file.read())), known)
    print("\n".join(wrong) or f"{len(commands)} commands, {len(known)} options")
    sys.exit(bool(wrong))


main()
