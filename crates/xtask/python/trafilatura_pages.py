#!/usr/bin/env python3
"""Articles by the Python package trafilatura: trafilatura_pages.py PAGES.jsonl OUT.jsonl

Reads pages with `id` and `html`; writes `id`, `text` and `title`.
"""
import json
import sys

from trafilatura import bare_extraction


def article(page):
    found = bare_extraction(page["html"], url=page.get("url") or None, include_comments=False, with_metadata=True)
    found = found.as_dict() if found else {}
    return {"id": page["id"], "text": found.get("text") or "", "title": found.get("title") or ""}


def main():
    pages, out = sys.argv[1:]
    with open(pages, encoding="utf-8") as lines, open(out, "w", encoding="utf-8") as f:
        for line in lines:
            print(json.dumps(article(json.loads(line)), ensure_ascii=False), file=f)


if __name__ == "__main__":
    main()
