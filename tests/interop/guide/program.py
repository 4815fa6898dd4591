"""One JSON document in on standard input, one out on standard output."""

import json
import sys


def run(main):
    json.dump(main(json.load(sys.stdin)), sys.stdout)
