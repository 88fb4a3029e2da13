"use strict";
// All films of one clip in step, one of them audible. Without scripts each film keeps its browser controls.
let stopRunning = () => {};

function ready(film) {
  if (film.readyState >= 3) return Promise.resolve();
  return new Promise((done, failed) => {
    film.addEventListener("canplay", done, { once: true });
    film.addEventListener("error", () => failed(new Error(film.getAttribute("aria-label") + " cannot be played")), { once: true });
    film.preload = "auto";
    film.load();
  });
}

for (const clip of document.querySelectorAll("article.clip, .cards.real")) {
  const bar = clip.querySelector(".together") || document.createElement("div");
  const films = [...clip.querySelectorAll("video")];
  if (!films.length) continue;
  const some = (selector) => bar.querySelector(selector) || document.createElement("input"); // the real clips have no bar
  const together = some(".play"), seek = some(".seek"), sound = some(".voice"), state = some(".state");
  const traces = clip.querySelector(".traces");
  let playing = [], leader = null, request = 0;
  bar.hidden = false;

  // The line that stands at the present moment in every trace.
  function showTime(seconds) {
    if (!traces) return;
    const x = Math.min(1000, 1000 * seconds / Number(traces.dataset.seconds));
    for (const line of traces.querySelectorAll(".now")) {
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    }
  }

  // Not past the end: a film that stands on its last moment shows nothing in some browsers.
  async function goTo(seconds) {
    if (playing.length) stop();
    showTime(seconds);
    try {
      await Promise.all(films.map(ready));
      for (const film of films) film.currentTime = Math.max(0, Math.min(film.duration - 0.02, seconds));
      seek.value = 1000 * seconds / films[0].duration;
    } catch (error) {
      state.textContent = error.message;
    }
  }
  if (traces) {
    for (const plot of traces.querySelectorAll(".plot svg")) {
      plot.addEventListener("click", (event) => {
        const box = plot.getBoundingClientRect();
        goTo(Number(traces.dataset.seconds) * (event.clientX - box.left) / box.width);
      });
    }
  }

  function stop(message) {
    cancelAnimationFrame(request);
    playing.forEach((film) => film.pause());
    playing = [];
    leader = null;
    together.textContent = "Play together";
    clip.querySelectorAll(".one").forEach((button) => { button.textContent = "Play"; });
    state.textContent = message || "";
  }

  // The audible film leads; one that is more than two frames (80 ms) off is set to its time.
  function keepStep() {
    if (!leader) return;
    for (const film of playing) {
      if (film !== leader && !film.ended && Math.abs(film.currentTime - leader.currentTime) > 0.08) film.currentTime = leader.currentTime;
    }
    seek.value = 1000 * leader.currentTime / (leader.duration || 1);
    showTime(leader.currentTime);
    if (playing.every((film) => film.ended)) return stop();
    request = requestAnimationFrame(keepStep);
  }

  async function start(chosen, audible, button) {
    stopRunning();
    stopRunning = stop;
    playing = chosen;
    button.textContent = "Stop";
    state.textContent = "loading";
    const mine = chosen;
    try {
      await Promise.all(chosen.map(ready));
      if (playing !== mine) return;
      for (const film of chosen) {
        film.muted = film !== audible;
        film.currentTime = 0;
      }
      leader = audible;
      await Promise.all(chosen.map((film) => film.play()));
      if (playing !== mine) return;
      state.textContent = "";
      keepStep();
    } catch (error) {
      if (playing === mine) stop(error.message);
    }
  }

  together.addEventListener("click", () => (playing.length ? stop() : start([...films], films[Number(sound.value)], together)));
  sound.addEventListener("change", () => {
    if (playing.length < 2) return;
    leader = films[Number(sound.value)];
    films.forEach((film) => { film.muted = film !== leader; });
  });
  seek.addEventListener("input", async () => {
    try {
      await ready(films[0]);
      goTo(films[0].duration * seek.value / 1000);
    } catch (error) {
      state.textContent = error.message;
    }
  });
  for (const film of films) {
    const button = film.parentElement.querySelector(".one");
    film.controls = false;
    button.hidden = false;
    const toggle = () => {
      const wasMine = playing.length === 1 && playing[0] === film;
      if (playing.length) stop();
      if (!wasMine) start([film], film, button);
    };
    button.addEventListener("click", toggle);
    film.addEventListener("click", toggle);
  }
}

// Films near the screen load their first seconds, so that playing starts at once.
if ("IntersectionObserver" in window) {
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      entry.target.preload = "metadata";
      near.unobserve(entry.target);
    }
  }, { rootMargin: "200px" });
  document.querySelectorAll("video").forEach((film) => near.observe(film));
}

// Which row's traces lie beside the real ones.
for (const traces of document.querySelectorAll(".traces")) {
  const against = traces.querySelector(".against");
  const show = () => {
    for (const path of traces.querySelectorAll(".made")) path.classList.toggle("off", path.dataset.row !== against.value);
  };
  against.addEventListener("change", show);
  show();
}

// One metric at a time in the table by emotion and level.
for (const tabs of document.querySelectorAll(".tabs")) {
  const chooser = tabs.querySelector(".chooser");
  if (!chooser) continue;
  const all = [...tabs.querySelectorAll(".tab")];
  const show = () => {
    const chosen = Number(chooser.querySelector("select").value);
    all.forEach((tab, k) => { tab.hidden = k + 1 !== chosen; });
  };
  chooser.hidden = all.length < 2;
  chooser.addEventListener("change", show);
  show();
}

// A clip that lies folded away opens when a link leads to it, and takes the focus.
function openClip(id) {
  const target = id && document.getElementById(id);
  if (!target || !target.matches(".clip, .more-clip")) return false;
  if (target.matches("details")) target.open = true;
  (target.querySelector("summary") || target).focus({ preventScroll: true });
  target.scrollIntoView();
  return true;
}
const openHash = () => openClip(location.hash.slice(1)); // ids have no character that an address would escape
window.addEventListener("hashchange", openHash);
openHash();

// Dots of the clips: pointing or arrow keys read one out, a click or Enter goes to its players.
for (const figure of document.querySelectorAll(".spread-figure")) {
  const readout = figure.querySelector(".readout");
  const table = figure.closest("section").id;
  const goTo = (dot) => {
    const id = `${table}-clip-${dot.querySelector("title").textContent.split(" ")[0]}`;
    if (document.getElementById(id)) location.hash = id;
    openClip(id);
  };
  const rows = [...figure.querySelectorAll(".clips")];
  for (const row of rows) {
    const dots = [...row.querySelectorAll("circle, polygon")];
    let at = -1, touched = null;
    row.setAttribute("tabindex", row === rows[0] ? 0 : -1); // one stop for the Tab key, up and down between rows
    const mark = (k) => {
      figure.querySelectorAll(".here").forEach((dot) => dot.classList.remove("here"));
      at = k;
      if (k < 0) { readout.textContent = "\u00a0"; return; }
      dots[k].classList.add("here");
      const words = dots[k].querySelector("title").textContent;
      const linked = document.getElementById(`${table}-clip-${words.split(" ")[0]}`);
      readout.textContent = `${row.dataset.row}: ${words}, ${k + 1} of ${dots.length}${linked ? "" : ", no players kept"}`;
    };
    dots.forEach((dot, k) => {
      dot.addEventListener("pointerenter", () => mark(k));
      dot.addEventListener("click", (event) => {
        if (event.pointerType !== "touch" || touched === dot) return goTo(dot);
        touched = dot; // a finger cannot point: the first touch reads out, the second one goes
        mark(k);
      });
    });
    row.addEventListener("pointerleave", () => mark(-1));
    row.addEventListener("blur", () => mark(-1));
    row.addEventListener("keydown", (event) => {
      const next = rows[rows.indexOf(row) + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] || NaN)];
      const to = { ArrowRight: Math.min(dots.length - 1, at + 1), ArrowLeft: at < 0 ? dots.length - 1 : Math.max(0, at - 1), Home: 0, End: dots.length - 1 }[event.key];
      if (next) {
        rows.forEach((other) => other.setAttribute("tabindex", other === next ? 0 : -1));
        next.focus();
      } else if (to !== undefined) mark(to);
      else if (event.key === "Enter" && at >= 0) goTo(dots[at]);
      else return;
      event.preventDefault();
    });
  }
}

// The contact sheet: one stop for the Tab key, arrows between pictures, one opens at full size.
const grids = document.querySelectorAll("[data-grid]");
if (grids.length && "HTMLDialogElement" in window) {
  const dialog = document.createElement("dialog");
  dialog.className = "big";
  dialog.innerHTML = '<img alt=""><div class="big-bar"><span class="caption" role="status"></span><span><button type="button" class="before" aria-label="Previous picture">\u2190</button> <button type="button" class="after" aria-label="Next picture">\u2192</button> <button type="button" class="shut">Close</button></span></div>';
  document.body.append(dialog);
  const picture = dialog.querySelector("img"), caption = dialog.querySelector(".caption");
  let tiles = [], at = 0, across = 1;
  const show = (k) => {
    at = (k + tiles.length) % tiles.length;
    const shown = tiles[at].querySelector("img");
    picture.src = shown.src;
    picture.alt = caption.textContent = shown.alt;
  };
  dialog.querySelector(".before").addEventListener("click", () => show(at - 1));
  dialog.querySelector(".after").addEventListener("click", () => show(at + 1));
  dialog.querySelector(".shut").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => select(tiles, at));
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
    if (step === undefined) return;
    show(at + step);
    event.preventDefault();
  });
  function select(all, k) {
    all.forEach((tile, i) => { tile.tabIndex = i === k ? 0 : -1; });
    all[k].focus();
  }
  for (const grid of grids) {
    const own = [...grid.querySelectorAll(".tile")];
    const columns = grid.rows[0].querySelectorAll("td").length;
    own.forEach((tile, k) => {
      tile.tabIndex = k ? -1 : 0;
      tile.addEventListener("click", () => {
        tiles = own;
        across = columns;
        show(k);
        dialog.showModal();
      });
      tile.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
        if (step === undefined || !own[k + step]) return;
        select(own, k + step);
        event.preventDefault();
      });
    });
  }
}
