#!/usr/bin/env python3
"""Runs what docs/http.md shows: each ```sh block, in order, against one receiver; what it prints must be the ```text
or ```json block that follows it, if there is one. An ellipsis in that stands for anything.

usage: page.py OTLPKIT PAGE        from the root of the project
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from serving import PATIENCE_S, Serving, skip

if not shutil.which("curl"):
    skip("curl is not installed")


def blocks(text):
    return re.findall(r"^```(sh|text|json)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def as_pattern(shown):
    return re.escape(shown).replace("…", ".*")


def main():
    failed = ran = 0
    with open(sys.argv[2], encoding="utf-8") as file:
        page = blocks(file.read())
    with Serving(sys.argv[1]) as serving, tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "URL": serving.url, "TMP": folder}
        for i, (kind, script) in enumerate(page):
            if kind != "sh":
                continue
            done = subprocess.run(
                ["bash", "-eu", "-c", script], env=environment, capture_output=True, text=True, timeout=PATIENCE_S
            )
            shown = page[i + 1][1] if i + 1 < len(page) and page[i + 1][0] != "sh" else ""
            ran += 1
            if done.returncode or not re.fullmatch(as_pattern(shown), done.stdout, re.DOTALL):
                print(f"{script}exit {done.returncode}\n{done.stderr}\nshown:\n{shown}\nprinted:\n{done.stdout}")
                failed += 1
    print(f"{ran} examples of {sys.argv[2]}, {failed} not as shown")
    sys.exit(1 if failed or not ran else 0)


main()
