#!/usr/bin/env python3
"""ROUGE of each document, as score.py computes it: rouge.py SCORE_PY SET OUT.jsonl ...

Prints one line of JSON per OUT: for each document of SET, [rouge1, rouge2, rougeL, words].
Averages do not say how sure they are; the figures of each document do, and a bootstrap is made of them.
"""
import contextlib
import importlib.util
import io
import json
import multiprocessing
import sys


def load(path):
    spec = importlib.util.spec_from_file_location("score", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def figures(score, doc, out):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        score.score_summaries([doc], out)
    named = dict(line.split() for line in printed.getvalue().splitlines())
    return [float(named[name]) for name in ("rouge1", "rouge2", "rougeL", "words")]


def each_document(job):
    score_py, eval_set, path = job
    score = load(score_py)
    out = {str(row["id"]): row for row in score.rows(path)}
    return [figures(score, doc, out) for doc in score.cases("summaries", eval_set)]


def main():
    score_py, eval_set, *outs = sys.argv[1:]
    with multiprocessing.Pool() as pool:
        for scores in pool.imap(each_document, [(score_py, eval_set, out) for out in outs]):
            print(json.dumps(scores))


if __name__ == "__main__":
    main()
