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

for (const clip of document.querySelectorAll("article.clip")) {
  const bar = clip.querySelector(".together");
  const films = [...clip.querySelectorAll("video")];
  if (!films.length) continue;
  const together = bar.querySelector(".play"), seek = bar.querySelector(".seek");
  const sound = bar.querySelector("select"), state = bar.querySelector(".state");
  let playing = [], leader = null, request = 0;
  bar.hidden = false;

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
    if (playing.length) stop();
    try {
      await Promise.all(films.map(ready));
      for (const film of films) film.currentTime = Math.min(film.duration - 0.02, films[0].duration * seek.value / 1000);
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
