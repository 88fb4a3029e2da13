"""What this machine has: cores, memory, disk, GPU, Python, codecs, speech, tracking, optional programs."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from bench.doctor.findings import Finding
from bench.workspace import Workspace

GROUP = "Machine"
LEAST_FREE = 2 * 2**30
LEAST_MEMORY = 3 * 2**30
"""Bytes: two processes of `prepare` or `evaluate` hold about 1 GB each with what they decode."""
PROGRAMS = {
    "git": ("results name the commit they were made with", "apt install git"),
    "chromium": ("the report's browser tests", "apt install chromium"),
    "pdflatex": ("the test that compiles the LaTeX table", "apt install texlive-latex-recommended"),
}
"""Program -> what it is for, and how Debian and Ubuntu bring it."""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def examine(space: Workspace) -> list[Finding]:
    """Findings on the machine; imports torch (a few seconds) and encodes a few frames."""
    return [
        _python(),
        _cores(),
        _memory(),
        disk(space),
        _gpu(),
        _codecs(),
        _speech(),
        *_programs(),
        _tracking(),
    ]


def cores() -> int:
    """Cores that this process may use: its affinity mask, and the container's quota where there is one."""
    mask = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(mask, round(int(quota) / int(period))))
    return mask


def disk(space: Workspace) -> Finding:
    """Free space at the work folder."""
    usage = shutil.disk_usage(space.root)
    found = f"{gigabytes(usage.free)} free of {gigabytes(usage.total)} at {space.root}"
    ok = usage.free >= LEAST_FREE
    do = "" if ok else "free some space, or choose another disk: --work FOLDER or EMOTALK_WORK=FOLDER"
    return Finding(GROUP, "disk", "ok" if ok else "LACK", found, do, {"free": usage.free, "total": usage.total})


def gigabytes(count: float) -> str:
    """Bytes as `1.2 GB` or `340 MB` (powers of ten)."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB" if count >= 1e6 else f"{count:.0f} B"


def _python() -> Finding:
    version = sys.version.split()[0]
    ok = sys.version_info >= (3, 11)
    do = "" if ok else "make setup PYTHON=python3.11, or a newer Python"
    return Finding(GROUP, "Python", "ok" if ok else "LACK", f"{version} at {sys.prefix}", do, {"version": version})


def _cores() -> Finding:
    count = cores()
    return Finding(GROUP, "cores", "ok", f"{count}: use --jobs {count}", data={"cores": count})


def _memory() -> Finding:
    total, free = _memory_bytes()
    if total is None:
        return Finding(GROUP, "memory", "note", "this system does not say how much there is")
    ok = total >= LEAST_MEMORY
    found = gigabytes(total) + (f", {gigabytes(free)} of it free now" if free is not None else "")
    do = "" if ok else "use --jobs 1"
    return Finding(GROUP, "memory", "ok" if ok else "LACK", found, do, {"total": total, "free": free})


def _memory_bytes() -> tuple[int | None, int | None]:
    """Bytes in all and free, of the container if it has less than the machine."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        with suppress(OSError, ValueError, AttributeError):
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), None
        return None, None
    facts = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}
    total, free = facts["MemTotal"], facts.get("MemAvailable")
    with suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total, None if free is None else min(free, total)


def _gpu() -> Finding:
    try:
        import torch
    except Exception as error:  # the group of packages says what to do about it
        return Finding(GROUP, "GPU", "unsure", f"torch cannot be imported: {error}", "make setup")
    driver = _driver()
    if torch.cuda.is_available():
        cards = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        names = [f"{card.name}, {gigabytes(card.total_memory)}" for card in cards]
        found = f"{'; '.join(names)}; driver {driver or 'unknown'}, CUDA {torch.version.cuda} of torch"
        data = {"cards": names, "driver": driver, "cuda": torch.version.cuda}
        return Finding(GROUP, "GPU", "ok", found, data=data)
    data = {"cards": [], "driver": driver, "cuda": torch.version.cuda}
    if driver is None:
        return Finding(GROUP, "GPU", "note", "none: everything runs on the CPU", data=data)
    if torch.version.cuda is None:
        found = f"a driver is here ({driver}), but the installed torch {torch.__version__} is built without CUDA"
        do = "install a CUDA build of the same torch into .venv (make setup takes the one of your package index)"
    else:
        found = f"a driver is here ({driver}), but torch (CUDA {torch.version.cuda}) sees no card"
        do = "look at nvidia-smi and CUDA_VISIBLE_DEVICES; the driver may be older than torch's CUDA"
    return Finding(GROUP, "GPU", "note", found, do, data)


def _driver() -> str | None:
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else None


def _codecs() -> Finding:
    """H.264 and AAC are written and read back; the decoders of the datasets' own files are looked up."""
    try:
        import av
        import numpy as np

        from bench.data import media

        missing = [f"container {name}" for name in ("flv", "mov", "matroska") if name not in av.formats_available]
        missing += [
            f"decoder {name}" for name in ("h264", "vp6f", "flv", "aac", "mp3", "pcm_s16le") if not _decodes(name)
        ]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "probe.mp4"
            frames = (np.full((64, 64, 3), 25 * i, np.uint8) for i in range(10))
            media.write_video(path, frames, fps=25, audio=np.zeros(6400, np.float32), audio_rate=16000)
            read = sum(1 for _ in media.read_frames(path, fps=25))
            if read != 10 or not media.probe(path).has_audio:
                missing.append(f"H.264 with AAC: wrote 10 frames with sound, read {read}")
    except Exception as error:  # whatever stops a codec from working is the finding
        return Finding(GROUP, "codecs", "LACK", f"{type(error).__name__}: {error}", "make setup")
    if missing:
        return Finding(GROUP, "codecs", "LACK", f"PyAV {av.__version__} lacks {', '.join(missing)}", "make setup")
    found = f"PyAV {av.__version__}: H.264 and AAC written and read back; reads FLV (VP6, Sorenson), MP3, WAV"
    return Finding(GROUP, "codecs", "ok", found)


def _decodes(name: str) -> bool:
    import av

    return name in av.codecs_available


def _speech() -> Finding:
    try:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        library.espeak_Info.restype = ctypes.c_char_p
        version = library.espeak_Info(None).decode(errors="replace")
        data = Path(espeakng_loader.get_data_path())
        if not (data / "phontab").is_file():
            raise FileNotFoundError(f"{data / 'phontab'} is missing")
    except Exception as error:
        return Finding(GROUP, "espeak-ng", "LACK", f"{type(error).__name__}: {error}", "make setup")
    return Finding(GROUP, "espeak-ng", "ok", f"{version}, with its voices: the embedded dataset can speak")


def _programs() -> list[Finding]:
    rows = []
    for name, (purpose, install) in PROGRAMS.items():
        path = next(filter(None, map(shutil.which, _BROWSERS if name == "chromium" else (name,))), None)
        state = "ok" if path else "note"
        found = path or f"not here; only needed for {purpose}"
        rows.append(Finding(GROUP, name, state, found, "" if path else f"Debian, Ubuntu: {install}"))
    return rows


def _tracking() -> Finding:
    """Whether W&B would be told online, offline or not at all; a missing account is no lack."""
    from importlib import metadata

    from bench.tracking.mirror import chosen_mode
    from bench.tracking.service import DEFAULT_SERVER, has_key

    try:
        version = metadata.version("wandb")
    except metadata.PackageNotFoundError:
        return Finding(GROUP, "W&B", "note", "not installed: nothing is mirrored", "make setup", {"mode": "absent"})
    mode = chosen_mode("auto", os.environ)
    key = has_key(os.environ.get("WANDB_BASE_URL") or DEFAULT_SERVER)
    if mode == "off":
        return Finding(GROUP, "W&B", "ok", f"{version}; off, as WANDB_MODE asks", data={"mode": mode, "key": key})
    if mode == "offline" or not key:
        why = "WANDB_MODE asks for it" if mode == "offline" else "there is no key"
        found = f"{version}; runs are recorded offline ({why}) and can be uploaded later with `wandb sync`"
        do = "" if key or mode == "offline" else "wandb login, or WANDB_API_KEY=...: only if you want runs online"
        return Finding(GROUP, "W&B", "note" if do else "ok", found, do, {"mode": "offline", "key": key})
    return Finding(
        GROUP, "W&B", "ok", f"{version}; there is a key: runs are mirrored online", data={"mode": "online", "key": key}
    )
