"""Opens reports in Chromium as a reader would: `python3 tests/browser/report.py TEXTMILL [--pictures FOLDER]`.

Looks for errors, requests, dialogs, contrast, keyboard, a page that is wider than a phone, and that all is there without
the script. Prints a line for each page and way of looking; ends with 1 if anything is not as it should be.
"""

import argparse
import base64
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from devtools import Browser

HERE = pathlib.Path(__file__).resolve().parent
PIPELINES = HERE.parent.parent / "pipelines"
AUDIT = (HERE / "audit.js").read_text()

HOSTILE = (
    "</script><script>alert(1)</script></style><img src=x onerror=alert(1)>\"><svg onload=alert(1)>"
    "<iframe src=https://example.invalid></iframe><base href=https://example.invalid><a href='javascript:alert(1)'>x</a>"
    "<meta http-equiv=refresh content='0;url=https://example.invalid'>\0\x1b[2J \u202etxt.exe\u202c \u2066 שלום עולם"
    " a-word-without-end-" + "x" * 300
)
HOSTILE_PIPELINE = """\
version = 1
name = '</title><script>alert(1)</script>'
input.uri = 'hostile.jsonl'
output.uri = 'out/hostile.jsonl'
run.max-errors = 1
[[stage]]
uses = 'clean'
[[stage]]
id = 'links'
uses = 'strip-links'
with = { max-removed = 1.0, phrases = ['</script>'] }
[[stage]]
uses = 'summarize'
"""

failures = 0


def check(page, ok, what):
    """Notes what is not as it should be."""
    global failures
    if not ok:
        failures += 1
        print(f"FAILED {page}: {what}")


def make_reports(textmill, folder):
    """The reports that are looked at, by name, and a word that is found in some of their examples."""
    shutil.copytree(PIPELINES, folder / "pipelines")
    text = f"{HOSTILE}\nThe bridge is open to all, and a long one to walk.\n\nREAD MORE: {HOSTILE}\n"
    lines = [json.dumps({"id": f"{number} {HOSTILE}", "text": text}) for number in range(6)]
    lines.append('{"' + HOSTILE)
    (folder / "hostile.jsonl").write_text("\n".join(lines))
    (folder / "hostile.toml").write_text(HOSTILE_PIPELINE)
    command(folder, textmill, "run", "pipelines/news.toml", "--report", "news")
    command(folder, textmill, "run", "hostile.toml", "--report", "hostile")
    (folder / "eventful").mkdir()
    (folder / "eventful/run.json").write_text(json.dumps(eventful(json.loads((folder / "news/run.json").read_text()))))
    command(folder, textmill, "report", "eventful")
    words = {"news": "read MORE", "hostile": "CONTROL onerror=", "eventful": "too-short"}
    return {name: (folder / name / "report.html", word) for name, word in words.items()}


def make_comparisons(textmill, folder):
    """Each pipeline beside itself with other options or other texts: pages of `compare`, which have no script."""
    lines = (folder / "hostile.jsonl").read_text().splitlines()[:6]
    texts = [json.loads(line) for line in lines]
    changed = [json.dumps({**one, "text": f"{one['text']}\nIt is new. {HOSTILE}\n"}) for one in texts]
    (folder / "changed.jsonl").write_text("\n".join(changed))
    pages = {}
    others = {"news": ("--set", 'links.off=["teaser"]'), "hostile": ("-i", "changed.jsonl")}
    for name, pipeline in (("news", "pipelines/news.toml"), ("hostile", "hostile.toml")):
        for side, options in (("before", ()), ("after", others[name])):
            command(folder, textmill, "run", pipeline, "-o", f"{name}-{side}.jsonl", *options)
        page = f"{name}-compared.html"
        command(folder, textmill, "compare", f"{name}-before.jsonl", f"{name}-after.jsonl", "--html", page)
        pages[f"{name}, compared"] = folder / page
    return pages


def command(folder, *words):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def eventful(run):
    """A run in which all happened that can: of each kind of loss and verdict one."""
    run["docs"].update({"read": 1000, "unreadable": 3, "kept": 790, "dropped": 200, "failed": 10, "refused": 2})
    stage = run["stages"][0]
    stage["docs"].update({"entered": 997, "kept": 792, "dropped": 200, "dropped-by-error": 20, "failed": 5})
    excerpt = {"field": None, "start": 0, "lead": "", "removed": "Short.\n", "added": "", "trail": "",
               "removed-bytes": 7, "added-bytes": 0}
    sample = {"id": "a", "chosen": "extreme", "chars": 7, "excerpts": [excerpt], "more": 0}
    stage["rules"].append({**stage["rules"][0], "name": "too-short", "kind": "drops", "docs": 180, "samples": [sample]})
    failure = {"id": "b", "place": "b.jsonl:7", "stage": "clean", "message": "it panicked:\nindex out of bounds"}
    run["failures"] = {"total": 10, "allowed": False, "shown": [failure, {**failure, "stage": None}]}
    check_of = {"that": "docs.kept-ratio >= 0.9", "severity": "error", "message": "too few", "found": 0.79, "holds": False}
    run["checks"] = [check_of, {**check_of, "severity": "warning"}, {**check_of, "holds": True}]
    run["tests"][0].update({"result": "failed", "mismatches": ["text: expected\n  one\nfound\n  two"]})
    run["tests"][1]["result"] = "not-run"
    run["plugins"] = [{"name": "shout", "version": "1.0.0", "path": "/usr/lib/libshout.so", "sha256": "0" * 64,
                       "abi": "1.0", "stages": ["shout"]}]
    return run


def look(browser, name, url):
    """What can be told by looking, in each scheme and width, as the page comes and with all that can be opened."""
    for scheme in ("light", "dark"):
        for width, height in ((1200, 900), (390, 844)):
            how = f"{name}, {scheme}, {width} wide"
            browser.show(width, height, scheme)
            browser.open(url)
            found = browser.evaluate(AUDIT)
            browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            found += browser.evaluate(AUDIT)
            check(how, not found, found)
            quiet(browser, how, url)
            print(f"looked at {how}")


def quiet(browser, how, url):
    """It has asked for nothing but itself, and nothing went wrong."""
    asked = [one for one in browser.requests if one.split("#")[0] != url]
    check(how, not asked, f"it asked for {asked}")
    check(how, not browser.logged, f"it logged {browser.logged}")
    check(how, not browser.dialogs, f"it opened {browser.dialogs}")


def click_through(browser, name, url, word):
    """Links, buttons and search."""
    browser.show(1200, 900, "light")
    browser.open(url)
    browser.click("nav a[href='#examples']")
    top = browser.evaluate("document.getElementById('examples').getBoundingClientRect().top")
    check(name, browser.evaluate("location.hash") == "#examples" and -5 < top < 700, f"the section is at {top}")
    is_open = "document.querySelectorAll('details.rule[open]').length"
    lists = browser.evaluate("document.querySelectorAll('details.rule').length")
    browser.click("#close")
    check(name, browser.evaluate(is_open) == 0, "not all is closed")
    browser.click("tbody th a[href^='#examples-']")
    check(name, browser.evaluate(is_open) == 1, "a link to examples does not open them")
    browser.click("#open")
    check(name, browser.evaluate(is_open) == lists > 2, "not all is open")
    find_examples(browser, name, word)
    quiet(browser, name, url)
    print(f"clicked through {name}")


def find_examples(browser, name, word):
    shown = "document.querySelectorAll('article:not([hidden])').length"
    total = browser.evaluate(shown)

    def find(text):
        browser.evaluate("document.getElementById('find').focus(); document.getElementById('find').select()")
        if text:
            browser.call("Input.insertText", text=text)
        else:
            browser.press("Delete", 46)
        return browser.evaluate(shown)

    found = find(word)
    check(name, 0 < found < total, f"{found} of {total} are found")
    said = browser.evaluate("document.getElementById('found').textContent")
    check(name, said == f"{found} of {total} examples", said)
    check(name, find("nobody wrote this") == 0, "something is found that nobody wrote")
    check(name, find("") == total, "not all is back")
    browser.evaluate("const kind = document.getElementById('kind'); kind.value = 'extreme'; kind.dispatchEvent(new Event('change'))")
    others = "document.querySelectorAll('article:not([hidden]):not([data-chosen=extreme])').length"
    check(name, browser.evaluate(shown) > 0 == browser.evaluate(others), "others are shown than the most extreme")


def type_through(browser, name, url):
    """By keyboard alone: all is reached, and one sees where one is."""
    browser.show(1200, 900, "light")
    browser.open(url)
    focusable = browser.evaluate(
        "[...document.querySelectorAll('a[href], summary, button, input, select, .scroll, pre')]"
        ".filter((one) => one.checkVisibility({ contentVisibilityAuto: true })).length"
    )
    where = (
        "(() => { const one = document.activeElement; const style = getComputedStyle(one);"
        " return [one === document.body, one.matches('.skip'),"
        " parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== 'none', one.outerHTML.slice(0, 80)]; })()"
    )
    reached = 0
    for _ in range(focusable + 5):
        browser.press("Tab", 9)
        is_body, is_skip, is_seen, what = browser.evaluate(where)
        if is_body:
            break
        check(name, reached > 0 or is_skip, f"the first that is reached is {what}")
        check(name, is_seen, f"one does not see that one is at {what}")
        reached += 1
    check(name, reached == focusable, f"{reached} of {focusable} are reached by Tab")
    browser.evaluate("document.querySelector('details.rule:not([open]) summary').focus()")
    is_open = "document.activeElement.parentElement.open"
    browser.press("Enter", 13, "\r")
    check(name, browser.evaluate(is_open), "Enter does not open")
    browser.press(" ", 32, " ")
    check(name, not browser.evaluate(is_open), "Space does not close")
    print(f"typed through {name}: {reached} places")


def without_script(browser, name, url):
    """All can be read; what only the script can do is not there."""
    read = "[document.querySelectorAll('article').length, document.querySelectorAll('tr').length]"
    browser.open(url)
    with_it = browser.evaluate(read)
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(url)
    check(name, browser.evaluate(read) == with_it, "something is missing without the script")
    check(name, not browser.evaluate("document.getElementById('tools').checkVisibility()"), "tools that do nothing")
    closed = "document.querySelectorAll('details.rule:not([open])').length"
    before = browser.evaluate(closed)
    browser.click("details.rule:not([open]) summary")
    check(name, browser.evaluate(closed) == before - 1, "examples do not open without the script")
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    print(f"read {name} without its script")


def print_it(browser, name, url):
    browser.open(url)
    pages = base64.b64decode(browser.call("Page.printToPDF", printBackground=True)["data"])
    check(name, pages.startswith(b"%PDF") and len(pages) > 10_000, "it does not print")
    print(f"printed {name}: {len(pages) // 1000} kB")
    return pages


def find_what_is_wrong(browser, page, folder):
    """A page with one of each mistake: if nothing is found in it, this test is blind."""
    spoilt = folder / "spoilt.html"
    planted = (
        "<h6>too deep</h6><img src='https://example.invalid/x.png'><script>alert(1)</script><svg></svg>"
        "<table><tr><th>x</th></tr></table><a href='#nowhere'>x</a><p class='faint'>faint</p>"
    )
    spoilt.write_text(page.read_text().replace("</main>", planted + "</main>"))
    browser.show(390, 844, "light")
    browser.open(spoilt.as_uri())
    browser.evaluate("document.querySelector('.faint').style.color = '#bbb'")
    found = browser.evaluate(AUDIT)
    for mistake in ("heading", "caption", "scope", "picture", "nowhere", "contrast"):
        check("a spoilt page", any(mistake in one for one in found), f"`{mistake}` is not found: {found}")
    logged = " ".join(browser.logged)
    for mistake in ("img-src", "script-src", "example.invalid"):
        check("a spoilt page", mistake in logged, f"`{mistake}` is not logged: {logged}")
    check("a spoilt page", not browser.dialogs, "the policy lets a script run")
    print("saw all mistakes of a spoilt page")


def take_pictures(browser, url, pages, folder):
    folder.mkdir(parents=True, exist_ok=True)
    to = "document.getElementById('{}').scrollIntoView()".format
    views = [
        ("light", 1200, 1150, "light", ""),
        ("dark", 1200, 1150, "dark", ""),
        ("charts", 1200, 1150, "light", to("distributions")),
        ("examples", 1200, 1150, "dark", to("examples")),
        ("end", 1200, 1150, "light", to("checks")),
        ("phone", 390, 1600, "light", ""),
        ("phone-changes", 390, 1200, "dark", to("changes")),
    ]
    for name, width, height, scheme, scroll in views:
        browser.show(width, height, scheme)
        browser.open(url)
        browser.evaluate(scroll)
        picture = browser.call("Page.captureScreenshot")["data"]
        (folder / f"{name}.png").write_bytes(base64.b64decode(picture))
    (folder / "print.pdf").write_bytes(pages)
    print(f"pictures are in {folder}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("textmill", type=pathlib.Path)
    parser.add_argument("--browser", default=shutil.which("chromium") or shutil.which("google-chrome"))
    parser.add_argument("--pictures", type=pathlib.Path, help="put pictures of the reports here, to be looked at")
    parser.add_argument("--report", type=pathlib.Path, help="look at this report too")
    args = parser.parse_args()
    if not args.browser:
        sys.exit("there is no Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="textmill-report-") as folder, Browser(args.browser) as browser:
        folder = pathlib.Path(folder)
        reports = make_reports(args.textmill.resolve(), folder)
        if args.report:
            reports["given"] = (args.report.resolve(), "most")
        for name, (path, word) in reports.items():
            url = path.as_uri()
            look(browser, name, url)
            click_through(browser, name, url, word)
            type_through(browser, name, url)
            without_script(browser, name, url)
            pages = print_it(browser, name, url)
            if args.pictures:
                take_pictures(browser, url, pages, args.pictures / name)
        for name, path in make_comparisons(args.textmill.resolve(), folder).items():
            look(browser, name, path.as_uri())
            check(name, "<ins>" in path.read_text(), "no text differs")
            print_it(browser, name, path.as_uri())
        find_what_is_wrong(browser, reports["news"][0], folder)
    print("all as it should be" if failures == 0 else f"{failures} are not as they should be")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
