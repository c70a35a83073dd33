// The tab "Video": upload, progress, and a player with boxes and time lines.

import { address, deleteSession, get, keepSession, uploadVideo } from "./api.js";
import { announce, byId, clock, make, onDrop, percent, showProblem, wait } from "./dom.js";
import { FaceLayer } from "./faces.js";
import { downloadButton } from "./people.js";
import { TimeLine } from "./timeline.js";

const POLL_MS = 500;

/** Whether this browser can play a video file. */
function canPlay(file) {
  return new Promise(resolve => {
    const probe = make("video", { preload: "metadata", muted: true });
    const done = answer => {
      URL.revokeObjectURL(probe.src);
      resolve(answer);
    };
    // Without pixels, only the sound was understood.
    probe.addEventListener("loadeddata", () => done(probe.videoWidth > 0));
    probe.addEventListener("error", () => done(false));
    setTimeout(() => done(probe.readyState >= 2 && probe.videoWidth > 0), 8000);
    probe.preload = "auto";
    probe.src = URL.createObjectURL(file);
  });
}

export function setUpVideo(settings, limits) {
  let session = null;
  let cancel = null;

  function progress(text, share) {
    byId("video-state").textContent = text;
    const bar = byId("video-bar");
    if (share === null) bar.removeAttribute("value");
    else bar.value = share;
  }

  async function open(file) {
    if (!file) return;
    showProblem("");
    if (file.size > limits.video_bytes) {
      showProblem(`The video has ${(file.size / 2 ** 30).toFixed(1)} GiB; the limit is ${(limits.video_bytes / 2 ** 30).toFixed(1)} GiB (emorec app --max-video).`);
      return;
    }
    await close();
    cancel = new AbortController();
    const own = cancel;
    byId("video-progress").hidden = false;
    byId("video-drop").hidden = true;
    try {
      progress("opening the video", null);
      const playable = await canPlay(file);
      const query = { ...settings.query(), name: file.name };
      if (byId("video-annotate").checked || !playable) query.annotate = "1";
      session = await uploadVideo("videos", file, query, share => progress(`reading the video, ${percent(share)}`, share), own.signal);
      keepSession(session.id);
      const found = await finish(session.id, own.signal);
      if (found.state === "failed") throw new Error(found.error);
      showResult(file, playable, found, await get(`sessions/${found.id}/frames`));
      announce(`done: ${found.people.length} people in ${clock(found.duration_s)}`);
    } catch (error) {
      if (error.name === "AbortError") announce("cancelled");
      else showProblem(error.message);
      await close();
    }
    byId("video-progress").hidden = true;
    byId("video-drop").hidden = false;
  }

  async function finish(id, signal) {
    for (;;) {
      if (signal.aborted) throw new DOMException("cancelled", "AbortError");
      const found = await get(`sessions/${id}`);
      if (!["waiting", "running"].includes(found.state)) return found;
      const left = found.seconds_left;
      const share = found.expected ? found.frames / found.expected : null;
      const text = found.state === "waiting" ? "waiting for the video before"
        : `looking for faces, frame ${found.frames}${found.expected ? ` of ${found.expected}` : ""}`;
      progress(text + (left === null ? "" : `, ${clock(left)} left`), share);
      await wait(POLL_MS);
    }
  }

  /** Delete the session: the server keeps nothing of a video that is not shown. */
  async function close() {
    byId("video-result").replaceChildren();
    const old = session;
    session = null;
    if (old) await deleteSession(old.id);
  }

  function showResult(file, playable, found, data) {
    const result = byId("video-result");
    const people = Object.fromEntries(found.people.map(person => [person.id, { name: "", hidden: false }]));
    const source = playable ? URL.createObjectURL(file) : address(`sessions/${found.id}/video`);
    const video = make("video", { controls: true, src: source, playsInline: true, ariaLabel: found.name });
    const stage = make("div", { className: "stage" }, video);
    const notes = [found.error, found.note].filter(Boolean);
    if (!playable) notes.unshift("This browser cannot play the file; the video with boxes is shown instead.");
    video.addEventListener("error", () => {
      notes.push("The browser cannot play this video; the time lines and downloads are complete.");
      noteList.replaceChildren(...notes.map(note => make("p", { className: "note" }, note)));
    });
    const noteList = make("div", {}, ...notes.map(note => make("p", { className: "note" }, note)));
    const links = make("div", { className: "actions" },
      make("span", {}, `${found.name}: ${clock(found.duration_s)}, ${found.people.length} ${found.people.length === 1 ? "person" : "people"}`),
      downloadButton(found.id, people));
    if (found.annotated) {
      links.append(make("a", { className: "button", href: address(`sessions/${found.id}/video`), download: "" }, "Video with boxes"));
    }
    const discard = make("button", { type: "button", className: "plain" }, "Delete");
    discard.addEventListener("click", async () => {
      await close();
      announce("deleted");
      byId("video-file").focus();
    });
    links.append(discard);
    const lines = found.people.map(person => personLine(person, found, data, people, video, redraw));
    result.replaceChildren(noteList, links, stage, make("div", { className: "lines" }, ...lines.map(line => line.item)));

    const layer = new FaceLayer(stage, settings.colors, {
      blurs: () => settings.blurs,
      select: id => result.querySelector(`#name-${id}`)?.focus(),
    });
    const times = data.frames.map(frame => frame[0]);
    const boxesDrawn = !playable;

    function facesAt(time) {
      let low = 0;
      let high = times.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (times[middle] <= time + 0.001) low = middle + 1;
        else high = middle;
      }
      const frame = data.frames[low - 1];
      if (!frame || boxesDrawn) return [];
      return frame[1].filter(face => !people[face[0]]?.hidden).map(([id, x, y, w, h, top, uncertain, shares]) => ({
        id,
        box: [x, y, w, h],
        emotion: data.labels[top],
        confidence: shares[top],
        uncertain: uncertain === 1,
        probabilities: Object.fromEntries(data.labels.map((label, index) => [label, shares[index]])),
      }));
    }

    function redraw() {
      const names = Object.fromEntries(Object.entries(people).filter(([, { name }]) => name).map(([id, { name }]) => [id, name]));
      layer.show(facesAt(video.currentTime), data.width, data.height, names);
      for (const { line } of lines) {
        line.setCursor(video.currentTime);
        line.draw();
      }
    }

    function follow() {
      redraw();
      if (!video.paused && video.isConnected) requestAnimationFrame(follow);
    }
    for (const name of ["loadeddata", "seeked", "play", "pause", "timeupdate"]) {
      video.addEventListener(name, name === "play" ? follow : redraw);
    }
    settings.addEventListener("change", () => {
      if (stage.isConnected) redraw();
    });
    redraw();
  }

  function personLine(person, found, data, people, video, redraw) {
    const line = new TimeLine(`Time line of person ${person.id}`, data.labels, settings.colors, time => {
      video.currentTime = time;
      line.setCursor(time);
      line.draw();
    });
    line.setRange(0, found.duration_s);
    for (const [time, faces] of data.frames) {
      const face = faces.find(each => each[0] === person.id);
      if (face) line.points.push([time, face[7]]);
    }
    const name = make("input", { type: "text", id: `name-${person.id}`, maxLength: 60, placeholder: `Person ${person.id}` });
    name.addEventListener("input", () => {
      people[person.id].name = name.value.trim();
      redraw();
    });
    const hide = make("input", { type: "checkbox" });
    hide.addEventListener("change", () => {
      people[person.id].hidden = hide.checked;
      item.classList.toggle("hidden-person", hide.checked);
      redraw();
    });
    const [share] = Object.entries(person.shares);
    const text = `seen ${person.seconds.toFixed(1)} s, mostly ${share[0]} (${percent(share[1])}), ${person.changes} changes`;
    const item = make("section", { className: "person", ariaLabel: `Person ${person.id}` },
      make("div", { className: "person-head" },
        make("label", {}, `Name of person ${person.id} `, name),
        make("label", { className: "check" }, hide, " Hide"),
        make("span", { className: "muted" }, text)),
      line.element);
    return { line, item };
  }

  byId("video-file").addEventListener("change", event => {
    const [file] = event.target.files;
    event.target.value = "";
    open(file);
  });
  onDrop(byId("video-drop"), files => open(files[0]));
  byId("video-cancel").addEventListener("click", () => cancel?.abort());
}
