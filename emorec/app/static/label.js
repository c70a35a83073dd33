// The tab "Label": photos or a video are opened, their faces found, the list of labels saved.

import { addPhoto, call, discard, get, hold, uploadVideo } from "./api.js";
import { announce, byId, clock, counted, make, onDrop, percent, save, showProblem, wait } from "./dom.js";
import { chosenFiles, droppedFiles } from "./folders.js";
import { Labeller } from "./labeller.js";

const POLL_MS = 500;
const SENT_AT_A_TIME = 2;
const IMAGE = /^image\/|\.(heic|heif|tiff?)$/i;
const VIDEO = /^video\/|\.(mkv|avi|mov|mp4|webm)$/i;

const isKind = (kind, file) => kind.test(file.type) || kind.test(file.name);

export function setUpLabels(settings, limits) {
  let project = null;
  let stop = null;
  const labeller = new Labeller(settings.colors, labelled => {
    byId("label-download").disabled = labelled === 0;
  });

  function progress(text, share) {
    byId("label-state").textContent = text;
    if (share === null) byId("label-bar").removeAttribute("value");
    else byId("label-bar").value = share;
  }

  /** Add a note; one of a problem stands out. */
  function note(text, problem = true) {
    byId("label-notes").append(make("p", { className: problem ? "note" : "muted" }, text));
  }

  const names = () => {
    const text = byId("label-names").value.trim();
    return text ? text.split(",").map(name => name.trim()) : null;
  };

  async function open({ name, files }) {
    if (!files.length) return;
    showProblem("");
    byId("label-notes").replaceChildren();
    const isVideo = files.length === 1 && isKind(VIDEO, files[0].file);
    const photos = isVideo ? files : files.filter(({ file }) => isKind(IMAGE, file));
    photos.sort((a, b) => a.path.localeCompare(b.path, undefined, { numeric: true }));
    if (!photos.length) {
      showProblem(`There is no photo among ${counted(files.length, "file")}; a video is chosen alone.`);
      return;
    }
    if (photos.length > limits.photo_count) {
      showProblem(`There are ${photos.length} photos; choose up to ${limits.photo_count} at a time.`);
      return;
    }
    let opened = null;
    try {
      const chosen = {
        name: name || (isVideo ? photos[0].file.name : "photos"),
        kind: isVideo ? "video" : "photos",
        files: photos.map(({ path, file }) => [path, file.size]),
        labels: names(),
      };
      opened = project = await (await call("POST", "projects", settings.query(), chosen)).json();
      hold(`projects/${project.id}`);
      show(photos.map(photo => photo.path), files.length - photos.length, name);
      stop = new AbortController();
      if (isVideo) await readVideo(photos[0].file, stop.signal);
      else await readPhotos(photos.filter(({ path }) => !(path in project.refused)), stop.signal);
    } catch (error) {
      if (opened !== project) return; // it was closed meanwhile
      if (error.name !== "AbortError") showProblem(error.message);
      if (!labeller.faces.length) await close();
    }
    byId("label-reading").hidden = true;
  }

  function show(paths, others, folder) {
    byId("label-start").hidden = true;
    byId("label-reading").hidden = false;
    byId("label-names-use").hidden = false;
    byId("label-names").value = project.labels.join(", ");
    const isVideo = project.kind === "video";
    byId("label-download").textContent = `Download ${isVideo ? "the list and the frames (ZIP)" : "the list (labels.csv)"}`;
    byId("label-stop").textContent = isVideo ? "Cancel" : "Stop here";
    byId("label-next").textContent = isVideo ? "Unpack the ZIP file, and run in the folder around it:"
      : folder ? `Put the list into the folder ${folder}, and run in the folder around it:`
        : `Put the list beside the photos, and run, with the name of their folder instead of ${project.name}:`;
    const refused = Object.entries(project.refused).map(([path, reason]) => `${path}: ${reason}`);
    if (refused.length) note(`${counted(refused.length, "photo")} left out: ${refused.slice(0, 3).join("; ")}`);
    if (others) note(`${counted(others, "file")} left out that ${others === 1 ? "is" : "are"} no photo.`, false);
    showLabels();
    labeller.begin(project, paths);
  }

  function showLabels() {
    byId("label-command").textContent = project.command;
    for (const id of ["label-several-row", "label-help-several"]) byId(id).hidden = project.most_labels === 1;
  }

  function add(faces) {
    const before = labeller.faces.length;
    labeller.add(faces);
    byId("label-work").hidden = !labeller.faces.length;
    if (!before && labeller.faces.length) byId("label-stage").focus();
  }

  async function readPhotos(photos, signal) {
    const id = project.id;
    const waiting = [...photos];
    const unreadable = [];
    const started = performance.now();
    let done = 0;
    const work = async () => {
      while (waiting.length && !signal.aborted) {
        const { path, file } = waiting.shift();
        try {
          if (file.size > limits.image_bytes) throw new Error(`${path}: above ${limits.image_bytes / 2 ** 20} MiB`);
          const faces = await addPhoto(id, path, file, signal);
          if (project?.id !== id) return;
          add(faces);
        } catch (error) {
          if (signal.aborted) return;
          unreadable.push(error.message);
        }
        done += 1;
        const left = (performance.now() - started) / done * (photos.length - done) / 1000;
        progress(`looking for faces, ${done} of ${counted(photos.length, "photo")}, ${clock(left)} left`, done / photos.length);
      }
    };
    progress(`looking for faces in ${counted(photos.length, "photo")}`, 0);
    await Promise.all(Array.from({ length: SENT_AT_A_TIME }, work));
    if (project?.id !== id) return;
    if (unreadable.length) note(`${counted(unreadable.length, "photo")} not read: ${unreadable.slice(0, 3).join("; ")}`);
    if (signal.aborted && !labeller.faces.length) throw new DOMException("stopped", "AbortError");
    finish(`in ${counted(done, "photo")}`);
  }

  async function readVideo(file, signal) {
    const { id } = project;
    if (file.size > limits.video_bytes) throw new Error(`The video has ${(file.size / 2 ** 30).toFixed(1)} GiB; the limit is ${(limits.video_bytes / 2 ** 30).toFixed(1)} GiB (emorec app --max-video).`);
    progress("reading the video", null);
    let found = await uploadVideo(`projects/${id}/videos`, file, {}, share => progress(`reading the video, ${percent(share)}`, share), signal);
    while (found.state === "running") {
      await wait(POLL_MS);
      if (project?.id !== id) return;
      found = await get(`projects/${id}`, { first: labeller.faces.length });
      if (project?.id !== id) return;
      add(found.faces);
      const left = found.seconds_left === null ? "" : `, ${clock(found.seconds_left)} left`;
      progress(`looking for faces, frame ${found.frames}${found.expected ? ` of ${found.expected}` : ""}${left}`, found.expected ? found.frames / found.expected : null);
    }
    if (found.state === "failed") throw new Error(found.error);
    if (found.error) note(found.error);
    finish(`in ${counted(found.frames, "frame")}`);
  }

  function finish(where) {
    if (!labeller.faces.length) throw new Error(`No face was found ${where}.`);
    const earlier = labeller.faces.filter(face => face.labels.length || face.skipped).length;
    announce(`${counted(labeller.faces.length, "face")} ${where}${labeller.touched || !earlier ? "" : `, ${earlier} of them done before`}`);
  }

  /** The server keeps nothing of photos that are not shown but their labels. */
  async function close() {
    const old = project;
    project = null;
    stop?.abort();
    labeller.begin(null, []);
    for (const id of ["label-work", "label-reading", "label-names-use"]) byId(id).hidden = true;
    byId("label-start").hidden = false;
    byId("label-names").value = "";
    if (old) {
      await labeller.saved();
      await discard(`projects/${old.id}`);
    }
  }

  for (const id of ["label-folder", "label-files"]) {
    byId(id).addEventListener("change", event => {
      const files = [...event.target.files];
      event.target.value = "";
      open(chosenFiles(files));
    });
  }
  onDrop(byId("label-drop"), async (files, transfer) => open(await droppedFiles(transfer)));
  async function leave(text) {
    await close();
    byId("label-notes").replaceChildren();
    announce(text);
    byId("label-folder").focus();
  }

  byId("label-stop").addEventListener("click", () => {
    // A video is read to its end, or not at all.
    if (project.kind === "video") leave("cancelled");
    else stop.abort();
  });
  byId("label-close").addEventListener("click", () => leave("closed"));
  byId("label-names-form").addEventListener("submit", async event => {
    event.preventDefault();
    if (!project) return;
    showProblem("");
    try {
      const changed = await (await call("PUT", `projects/${project.id}/labels`, {}, { labels: names() ?? [] })).json();
      Object.assign(project, { labels: changed.labels, most_labels: changed.most_labels, command: changed.command });
      byId("label-names").value = project.labels.join(", ");
      showLabels();
      labeller.show();
      byId("label-stage").focus();
    } catch (error) {
      showProblem(error.message);
    }
  });
  byId("label-download").addEventListener("click", async () => {
    showProblem("");
    try {
      await labeller.saved();
      const answer = await call("GET", `projects/${project.id}/download`);
      const [, name] = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition")) ?? [];
      save(await answer.blob(), name ?? (project.kind === "video" ? "labels.zip" : "labels.csv"));
    } catch (error) {
      showProblem(error.message);
    }
  });
  byId("label-forget").addEventListener("click", async () => {
    if (!confirm("Delete all labels of these photos, those that are kept on this computer too?")) return;
    try {
      await labeller.saved();
      await call("DELETE", `projects/${project.id}/labels`);
      labeller.clear();
      announce("the labels are deleted");
      byId("label-stage").focus();
    } catch (error) {
      showProblem(error.message);
    }
  });
}
