"""A headless Chromium spoken to over pipes (DevTools protocol): open a page, ask it, press keys, see what it complains of."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --mute-audio "
    "--autoplay-policy=no-user-gesture-required --remote-debugging-pipe"
).split()
KEYS = {"Enter": ("Enter", 13, "\r"), "Tab": ("Tab", 9, ""), "Escape": ("Escape", 27, ""), " ": ("Space", 32, " "),
        "ArrowRight": ("ArrowRight", 39, ""), "ArrowLeft": ("ArrowLeft", 37, ""), "ArrowDown": ("ArrowDown", 40, "")}  # fmt: skip


def find() -> str | None:
    """The browser's program, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One browser process, used as a context. `complaints`: console errors and warnings, exceptions, failed loads."""

    def __init__(self, program: str, timeout: float = 60.0):
        self.program, self.timeout = program, timeout
        self.complaints: list[str] = []
        self._answers: dict[int, dict] = {}
        self._events: list[dict] = []
        self._last, self._rest, self._session = 0, b"", None

    def __enter__(self) -> Chromium:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def wire() -> None:  # the protocol's pipes are descriptors 3 and 4
            spare = [os.dup2(fd, target) for fd, target in ((to_browser, 103), (from_browser, 104))]
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)
            for fd in spare:
                os.close(fd)

        command = [self.program, *FLAGS, f"--user-data-dir={self._folder.name}", "about:blank"]
        self._process = subprocess.Popen(
            command, preexec_fn=wire, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for fd in (to_browser, from_browser):
            os.close(fd)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        for fd in (self._write, self._read):
            os.close(fd)
        self._folder.cleanup()

    def call(self, method: str, **parameters: Any) -> dict:
        """One command and its result; RuntimeError if the browser refuses it, TimeoutError if it does not answer."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + self.timeout
        while self._last not in self._answers:
            self._receive(end)
        answer = self._answers.pop(self._last)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _receive(self, end: float) -> None:
        left = end - time.monotonic()
        if left <= 0 or not select.select([self._read], [], [], left)[0]:
            raise TimeoutError(f"{self.program} does not answer")
        data = os.read(self._read, 1 << 20)
        if not data:
            raise RuntimeError(f"{self.program} ended (code {self._process.poll()})")
        *messages, self._rest = (self._rest + data).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self._events.append(message)
                self._note(message["method"], message.get("params", {}))

    def _note(self, event: str, about: dict) -> None:
        if event == "Runtime.exceptionThrown":
            details = about["exceptionDetails"]
            self.complaints.append(f"exception: {details.get('exception', {}).get('description', details['text'])}")
        elif event == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
            self.complaints.append(f"console.{about['type']}: {[a.get('value') for a in about['args']]}")
        elif event == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.complaints.append(
                f"{about['entry']['level']}: {about['entry']['text']} {about['entry'].get('url', '')}"
            )
        elif event == "Network.loadingFailed" and not about.get("canceled"):
            self.complaints.append(f"not loaded: {about.get('errorText')} {about.get('blockedReason', '')}")

    def open(self, page: Path | str, width: int, height: int = 900, dark: bool = False) -> None:
        """Load a file (or address) in a window of that size and wait until it has loaded; complaints start anew."""
        self.complaints.clear()
        self._events.clear()
        mobile = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=page if isinstance(page, str) else page.resolve().as_uri())
        end = time.monotonic() + self.timeout
        while not any(e["method"] == "Page.loadEventFired" for e in self._events):
            self._receive(end)

    def ask(self, script: str) -> Any:
        """The value of a JavaScript expression in the page, promises waited for; RuntimeError if it throws."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"].get("exception", {}).get("description", script))
        return found["result"].get("value")

    def until(self, script: str, seconds: float = 20.0) -> Any:
        """The first true value of an expression; AssertionError if it stays false."""
        end = time.monotonic() + seconds
        while not (value := self.ask(script)):
            assert time.monotonic() < end, f"stayed false: {script}"
            time.sleep(0.05)
        return value

    def press(self, key: str, shift: bool = False) -> None:
        """One key, as a person presses it."""
        code, number, text = KEYS[key]
        about = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown", **about, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def picture(self, path: Path, whole: bool = True) -> None:
        """A PNG of the page, down to its end if `whole`."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))
