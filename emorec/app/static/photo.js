// The tab "Photo": photos with their faces, a table, downloads.

import { convert, recognize } from "./api.js";
import { announce, byId, counted, make, onDrop, percent, save, showProblem } from "./dom.js";
import { FaceLayer } from "./faces.js";
import { showWhy } from "./why.js";

class Photo {
  constructor(file, settings) {
    this.file = file;
    this.settings = settings;
    this.record = null;
    this.image = make("img", { alt: file.name, src: URL.createObjectURL(file) });
    this.stage = make("div", { className: "stage" }, this.image);
    this.caption = make("figcaption", {}, make("span", { className: "name" }, file.name), this.state = make("span", { className: "muted" }, "looking for faces"));
    this.download = make("button", { type: "button", className: "plain", disabled: true, ariaLabel: `Download ${file.name} as PNG` }, "PNG");
    this.download.addEventListener("click", () => this.savePng());
    this.caption.append(this.download);
    this.figure = make("figure", {}, this.stage, this.caption);
    this.layer = new FaceLayer(this.stage, settings.colors, {
      blurs: () => settings.blurs,
      select: (id, index) => this.why(index),
    });
  }

  async look() {
    try {
      const { record, frames, labels } = await recognize(this.file, this.settings.query());
      this.record = record;
      this.labels = labels;
      const count = record.faces.length;
      this.state.textContent = count === 0 ? "no face found" : counted(count, "face");
      if (frames > 1) this.state.textContent += `, first of ${frames} frames`;
      this.download.disabled = false;
      await this.image.decode().catch(() => this.showFromServer());
      if (!this.drawn) this.layer.show(record.faces, record.width, record.height);
    } catch (error) {
      this.record = null;
      this.layer.show([], 1, 1);
      this.state.textContent = error.message;
      this.figure.classList.add("failed");
    }
  }

  /** For kinds of images that the browser cannot show: the annotated image. */
  async showFromServer() {
    this.image.src = URL.createObjectURL(await convert([this.file], this.settings.query(), "png"));
    this.drawn = true;
  }

  why(index) {
    const { blur, ...query } = this.settings.query(); // the explanation needs the face
    showWhy(this.file, index + 1, this.record.faces[index].emotion, query);
  }

  async savePng() {
    try {
      const name = `${this.file.name.replace(/\.[^.]*$/, "")}-emotions.png`;
      save(await convert([this.file], this.settings.query(), "png"), name);
    } catch (error) {
      showProblem(error.message);
    }
  }

  remove() {
    URL.revokeObjectURL(this.image.src);
    this.figure.remove();
  }
}

function table(photos) {
  const labels = photos.find(photo => photo.record)?.labels ?? [];
  const head = ["Photo", "Face", "Emotion", "Confidence", "", ...labels];
  const rows = photos.flatMap(photo => (photo.record?.faces ?? []).map((face, index) => {
    const why = make("button", { type: "button", className: "plain", ariaLabel: `Why ${face.emotion}? Face ${index + 1} of ${photo.file.name}` }, "Why?");
    why.addEventListener("click", () => photo.why(index));
    const cells = [photo.file.name, String(index + 1), face.emotion + (face.uncertain ? "?" : ""), percent(face.confidence), why];
    cells.push(...labels.map(label => (100 * face.probabilities[label]).toFixed(1)));
    return make("tr", {}, ...cells.map((cell, at) => make(at === 0 ? "th" : "td", at === 0 ? { scope: "row" } : {}, cell)));
  }));
  return make("table", {},
    make("caption", {}, "All faces; the probability of each emotion in percent"),
    make("thead", {}, make("tr", {}, ...head.map(text => (text ? make("th", { scope: "col" }, text) : make("td"))))),
    make("tbody", {}, ...rows));
}

export function setUpPhotos(settings, limits) {
  let photos = [];
  let queue = Promise.resolve();

  function show() {
    const faces = photos.reduce((sum, photo) => sum + (photo.record?.faces.length ?? 0), 0);
    byId("photo-actions").hidden = photos.length === 0;
    byId("photo-table").hidden = faces === 0;
    byId("photo-table").replaceChildren(table(photos));
    byId("photo-count").textContent = `${counted(photos.length, "photo")}, ${counted(faces, "face")}`;
  }

  function look(some) {
    const batch = some;
    queue = queue.then(async () => {
      for (const photo of batch) {
        if (!photos.includes(photo)) continue;
        await photo.look();
        show();
      }
      announce(`${byId("photo-count").textContent}`);
    });
    return queue;
  }

  function add(files) {
    showProblem("");
    const free = limits.image_count - photos.length;
    if (files.length > free) showProblem(`The page shows up to ${limits.image_count} photos; use emorec detect for more.`);
    const fitting = files.slice(0, free).filter(file => file.size <= limits.image_bytes);
    if (fitting.length < Math.min(files.length, free)) showProblem(`Photos above ${limits.image_bytes / 2 ** 20} MiB are left out.`);
    const added = fitting.map(file => new Photo(file, settings));
    photos.push(...added);
    byId("photo-list").append(...added.map(photo => photo.figure));
    show();
    look(added);
  }

  byId("photo-files").addEventListener("change", event => {
    add([...event.target.files]);
    event.target.value = "";
  });
  onDrop(byId("photo-drop"), files => add(files));
  addEventListener("paste", event => {
    const files = [...event.clipboardData.files].filter(file => file.type.startsWith("image/"));
    if (files.length && !byId("panel-photo").hidden) add(files);
  });
  byId("photo-clear").addEventListener("click", () => {
    for (const photo of photos) photo.remove();
    photos = [];
    show();
    announce("cleared");
    byId("photo-files").focus();
  });
  for (const format of ["json", "csv", "zip"]) {
    byId(`photo-${format}`).addEventListener("click", async event => {
      const button = event.currentTarget;
      button.disabled = true;
      showProblem("");
      try {
        save(await convert(photos.map(photo => photo.file), settings.query(), format), `emotions.${format}`);
      } catch (error) {
        showProblem(error.message);
      }
      button.disabled = false;
    });
  }
  settings.addEventListener("change", () => look([...photos]));
}
