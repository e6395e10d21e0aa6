"Chromium for the checks that look at pages."
import os
import shutil
import subprocess
import sys
import time

INSTALL = "apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium >/dev/null"


def find_chromium():
    "Chromium as it is here; as root on Debian or Ubuntu it is installed if missing."
    names = ["google-chrome", "chromium", "chromium-browser"]
    found = next(filter(None, map(shutil.which, names)), None)
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        print("installing chromium", flush=True)
        for _ in range(3):   # a mirror may be busy
            subprocess.run(INSTALL, shell=True)
            if found := next(filter(None, map(shutil.which, names)), None):
                break
            time.sleep(10)
    return found or sys.exit("nothing was looked at: there is no Chromium (apt-get install chromium, then the same again)")


def watch(page, home, faults):
    "Write down errors of scripts, and requests to anywhere else."
    page.on("console", lambda message: faults.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.on("request", lambda r: None if r.url.startswith((home, "data:", "blob:")) else faults.append(f"asks {r.url}"))
