"""A headless Chromium, driven over its DevTools protocol through a pipe. Needs nothing but Python."""

import json
import os
import shutil
import subprocess
import tempfile
import time


class Browser:
    """A browser with one page. What it asked for, what it logged and which dialogs it opened is noted as it comes in."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix="textmill-browser-")
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def as_3_and_4():
            # First where neither can be overwritten by the other.
            ends = [os.dup2(end, 20 + number) for number, end in enumerate((to_browser, from_browser))]
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._process = subprocess.Popen(
            # Within a container there is no sandbox to be had, and what is shown is a page of our own.
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={self.profile}",
             "about:blank"],
            close_fds=False, preexec_fn=as_3_and_4, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._number, self._rest, self._session = 0, b"", None
        self._forget()
        page = next(one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime", "DOM"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, **params):
        """What the browser answers."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def open(self, url):
        """Opens a page and waits until it is loaded; what was noted before is forgotten."""
        # A page that differs from the last one in its fragment alone would not be loaded again.
        self.call("Page.navigate", url="about:blank")
        self._until_loaded()
        self._forget()
        self.call("Page.navigate", url=url)
        self._until_loaded()
        self._settle()

    def evaluate(self, expression):
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:600])
        return answer["result"].get("value")

    def press(self, key, code, text=""):
        """Presses a key."""
        what = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **what, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **what)

    def click(self, selector):
        """Clicks what the selector finds."""
        x, y = self.evaluate(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)});"
            " one.scrollIntoView({ block: 'center' }); const box = one.getClientRects()[0];"
            " return [box.left + Math.min(box.width / 2, 20), box.top + box.height / 2]; })()"
        )
        where = {"x": x, "y": y, "button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type="mousePressed", **where)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", **where)
        self._settle()

    def show(self, width, height, scheme):
        """How large the window is, and whether the reader wants it dark."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def _forget(self):
        self.requests, self.logged, self.dialogs = [], [], []
        self._loaded = False

    def _settle(self):
        """Gives the page time for what it does afterwards. Not by a timer of the page, which may have no scripts."""
        time.sleep(0.05)
        self.call("Runtime.evaluate", expression="0")

    def _until_loaded(self):
        while not self._loaded:
            self._receive()
        self._loaded = False

    def _receive(self):
        while b"\0" not in self._rest:
            part = os.read(self._read, 1 << 20)
            if not part:
                raise RuntimeError("the browser has ended")
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        message = json.loads(message)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, event, params):
        if event == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif event == "Log.entryAdded":
            self.logged.append(params["entry"]["text"])
        elif event == "Runtime.consoleAPICalled":
            self.logged.append(json.dumps(params["args"]))
        elif event == "Runtime.exceptionThrown":
            self.logged.append(json.dumps(params["exceptionDetails"])[:600])
        elif event == "Page.javascriptDialogOpening":
            self.dialogs.append(params["message"])
        elif event == "Page.loadEventFired":
            self._loaded = True
