// Shows faces one after another, and labels them by keys or buttons.

import { address, call } from "./api.js";
import { announce, byId, counted, make, showProblem } from "./dom.js";
import { bars } from "./faces.js";

// Without the letters of the other keys.
const LABEL_KEYS = [..."123456789abcdefghijklnopqstvwyz"];
const LARGEST = 5; // times the pixels of a small face
const LOADED_AHEAD = 3;
const KEPT = 30; // images

const isDone = face => face.labels.length > 0 || face.skipped;

export class Labeller {
  /** `changed` is called with the number of labelled faces when it may have changed. */
  constructor(colors, changed) {
    this.colors = colors;
    this.changed = changed;
    this.last = Promise.resolve();
    this.box = make("span", { className: "label-box" });
    this.tools = [
      ["ArrowLeft", "←", "Back", () => this.go(this.at - 1)],
      ["x", "X", "No face, skip", () => this.skip()],
      ["u", "U", "Undo", () => this.step(this.undone, this.redone, "before")],
      ["r", "R", "Redo", () => this.step(this.redone, this.undone, "after")],
      ["m", "M", "What the model says", () => this.reveal(byId("label-model").hidden)],
      ["ArrowRight", "→", "Next", () => this.go(this.at + 1)],
    ];
    byId("label-tools").replaceChildren(...this.tools.map(([, key, text, act]) => this.button(key, text, act)));
    byId("label-stage").addEventListener("keydown", event => this.press(event));
    byId("label-order").addEventListener("change", () => this.arrange(true));
    this.begin(null, []);
  }

  button(key, text, act) {
    const button = make("button", { type: "button" }, make("kbd", {}, key), ` ${text}`);
    button.addEventListener("click", act);
    return button;
  }

  /** Begin with a project without faces, or with none; `paths` are in the order of the files. */
  begin(project, paths) {
    this.project = project;
    this.ranks = new Map(paths.map((path, index) => [path, index]));
    this.faces = [];
    this.order = [];
    this.at = 0;
    this.touched = false;
    this.undone = [];
    this.redone = [];
    this.images = new Map();
  }

  get face() {
    return this.order[this.at];
  }

  get labelled() {
    return this.faces.filter(face => face.labels.length).length;
  }

  add(faces) {
    this.faces.push(...faces.map(face => ({ ...face, saved: { labels: face.labels, skipped: face.skipped } })));
    this.arrange();
  }

  /**
   * Order the faces: those that are done, then the others. What was looked at keeps its place, and so does the face
   * that is shown: a key must not label one that came a moment ago. `afresh` orders all.
   */
  arrange(afresh = false) {
    const doubt = byId("label-order").value === "doubt";
    const rank = face => this.ranks.get(face.path) ?? 0;
    const compare = (a, b) => (doubt ? a.confidence - b.confidence : 0) || rank(a) - rank(b) || a.path.localeCompare(b.path) || a.number - b.number;
    const current = this.face;
    const keeps = !afresh && current && (this.touched || !isDone(current));
    const head = keeps ? this.order.slice(0, this.at + 1) : [];
    const placed = new Set(head);
    const rest = this.faces.filter(face => !placed.has(face)).sort(compare);
    this.order = [...rest.filter(isDone), ...head, ...rest.filter(face => !isDone(face))];
    const open = this.order.findIndex(face => !isDone(face));
    this.at = keeps ? this.order.indexOf(current) : Math.max(open, 0);
    this.show();
  }

  press(event) {
    const key = event.key.toLowerCase();
    if (event.altKey || event.metaKey || event.isComposing) return;
    if (event.ctrlKey && !"zy".includes(key)) return;
    // By the place of the key: on some keyboards digits need Shift.
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
    const index = LABEL_KEYS.slice(0, this.project.labels.length).indexOf(digit ? digit[1] : key);
    const tool = this.tools.find(([name]) => name.toLowerCase() === key);
    if (event.ctrlKey) (key === "y" || event.shiftKey ? this.tools[3] : this.tools[2])[3]();
    else if (index >= 0) {
      if (!event.repeat) this.choose(this.project.labels[index], event.shiftKey);
    } else if (tool) tool[3]();
    else if (key === "enter" && event.target === event.currentTarget) this.advance();
    else return;
    event.preventDefault();
  }

  choose(label, add) {
    const { labels } = this.face;
    if (this.project.most_labels === 1 || !(add || byId("label-several").checked)) {
      this.change([label], false);
      this.advance();
      return;
    }
    if (labels.includes(label)) this.change(labels.filter(each => each !== label), false);
    else if (labels.length < this.project.most_labels) this.change([...labels, label], false);
    else announce(`a face has up to ${this.project.most_labels} labels`);
  }

  skip() {
    this.change([], true);
    this.advance();
  }

  change(labels, skipped) {
    const face = this.face;
    const before = { labels: face.labels, skipped: face.skipped };
    this.undone.push({ face, before, after: { labels, skipped } });
    this.redone = [];
    this.set(face, { labels, skipped });
  }

  /** Undo or redo the last change of a stack. */
  step(from, to, which) {
    const change = from.pop();
    if (!change) return;
    to.push(change);
    this.set(change.face, change[which]);
    this.go(this.order.indexOf(change.face));
  }

  set(face, state) {
    this.touched = true;
    Object.assign(face, state);
    this.show();
    const { id } = this.project;
    this.last = this.last.then(() => this.store(id, face, state));
  }

  /** Save the labels of a face; without success, it keeps those that are saved. */
  async store(id, face, state) {
    try {
      await call("PUT", `projects/${id}/faces/${face.number}`, {}, state);
      face.saved = state;
    } catch (error) {
      Object.assign(face, face.saved);
      showProblem(`The label was not saved: ${error.message}`);
      if (this.project) this.show();
    }
  }

  /** Wait until all labels are saved. */
  saved() {
    return this.last;
  }

  /** Forget all labels. */
  clear() {
    for (const face of this.faces) Object.assign(face, { labels: [], skipped: false, saved: { labels: [], skipped: false } });
    Object.assign(this, { undone: [], redone: [] });
    this.arrange(true);
  }

  /** Go to the next face that is not done. */
  advance() {
    const open = (from, to) => {
      const found = this.order.slice(from, to).findIndex(face => !isDone(face));
      return found < 0 ? -1 : from + found;
    };
    const next = open(this.at + 1, this.order.length);
    const first = next < 0 ? open(0, this.at + 1) : next;
    this.go(first < 0 ? this.at : first);
    announce(first < 0 ? "all faces are done" : byId("label-count").textContent);
  }

  go(to) {
    if (to < 0 || to >= this.order.length) return;
    this.touched = true;
    this.at = to;
    this.show();
  }

  reveal(shown) {
    const place = byId("label-model");
    place.hidden = !shown;
    place.replaceChildren(...(shown ? [bars(this.face.probabilities, this.colors)] : []));
    byId("label-tools").children[4].ariaPressed = String(shown);
  }

  show() {
    this.changed(this.labelled);
    const face = this.face;
    if (!face) return;
    const done = this.faces.filter(isDone).length;
    const skipped = this.faces.filter(each => each.skipped).length;
    byId("label-count").textContent = `${done} of ${counted(this.faces.length, "face")} done${skipped ? `, ${skipped} skipped` : ""}`;
    byId("label-done").value = done / this.faces.length;
    const state = face.skipped ? "skipped" : face.labels.join(" and ") || "no label yet";
    byId("label-place").textContent = `Face ${this.at + 1} of ${this.order.length}, ${face.path}: ${state}`;
    byId("label-stage").dataset.face = face.number;
    this.showKeys(face);
    this.showImage(face);
    if (this.shown !== face) this.reveal(false);
    this.shown = face;
  }

  showKeys(face) {
    const keys = byId("label-keys");
    const labels = this.project.labels;
    if (keys.dataset.labels !== labels.join()) {
      keys.dataset.labels = labels.join();
      keys.replaceChildren(...labels.map((label, index) => this.button(LABEL_KEYS[index].toUpperCase(), label, event => this.choose(label, event.shiftKey))));
    }
    labels.forEach((label, index) => {
      keys.children[index].ariaPressed = String(face.labels.includes(label));
    });
    const [back, skip, undo, redo, , next] = byId("label-tools").children;
    skip.ariaPressed = String(face.skipped);
    // A button that loses the focus would take the keys with it.
    for (const [button, off] of [[back, this.at === 0], [undo, !this.undone.length], [redo, !this.redone.length], [next, this.at === this.order.length - 1]]) {
      button.ariaDisabled = String(off);
    }
  }

  showImage(face) {
    const image = this.load(face);
    const [left, top, width, height] = face.view.map(percent);
    Object.assign(this.box.style, { left, top, width, height });
    if (this.shown !== face) byId("label-view").replaceChildren(image, this.box);
    for (const next of this.order.slice(this.at + 1, this.at + 1 + LOADED_AHEAD)) this.load(next);
  }

  load(face) {
    if (!this.images.has(face.number)) {
      const image = make("img", { alt: `Face ${face.number + 1}, in ${face.path}`, src: address(`projects/${this.project.id}/faces/${face.number}/image`) });
      image.addEventListener("load", () => {
        const scale = Math.min(LARGEST, byId("label-face").clientHeight / image.naturalHeight);
        image.style.width = `${scale * image.naturalWidth}px`;
      });
      this.images.set(face.number, image);
    }
    for (const number of [...this.images.keys()].slice(0, -KEPT)) this.images.delete(number);
    return this.images.get(face.number);
  }
}

const percent = share => `${100 * share}%`; // not rounded
