// Boxes of faces over an image or a video, with labels, and bars on hover or focus.

import { make, percent } from "./dom.js";

// As in the images that the server blurs.
const MARGIN = 0.3;

/** Black or white, whichever is easier to read on a colour (WCAG 2). */
export function inkOn(color) {
  const [red, green, blue] = [1, 3, 5].map(at => {
    const part = parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

/** Bars with the probabilities of all emotions, of {name: probability}. */
export function bars(probabilities, colors) {
  const rows = Object.entries(probabilities).map(([name, share]) => {
    const fill = make("span", { className: "fill" });
    fill.style.width = percent(share);
    fill.style.background = colors[name];
    return make("span", { className: "bar" },
      make("span", { className: "bar-name" }, name),
      make("span", { className: "bar-track" }, fill),
      make("span", { className: "bar-value" }, percent(share)));
  });
  return make("span", { className: "bars" }, ...rows);
}

export function labelOf(face, name = null) {
  const who = name ?? (face.id === null ? "" : String(face.id));
  return `${who ? `${who} ` : ""}${face.emotion}${face.uncertain ? "?" : ""} ${percent(face.confidence)}`;
}

/** The boxes over one image or video, which fills `stage`. */
export class FaceLayer {
  constructor(stage, colors, { select = null, blurs = () => false } = {}) {
    this.layer = make("div", { className: "faces" });
    this.colors = colors;
    this.select = select;
    this.blurs = blurs;
    this.boxes = new Map();
    stage.append(this.layer);
  }

  /** Show the faces of an image of this width and height; `names` by id replace the ids. */
  show(faces, width, height, names = {}) {
    const gone = new Set(this.boxes.keys());
    faces.forEach((face, index) => {
      const key = face.id ?? `face ${index}`;
      gone.delete(key);
      this.update(this.boxes.get(key) ?? this.add(key, face.id), face, width, height, names[face.id]);
    });
    for (const key of gone) {
      this.boxes.get(key).box.remove();
      this.boxes.delete(key);
    }
  }

  add(key, id) {
    const veil = make("span", { className: "veil" });
    const label = make("span", { className: "face-label" });
    const box = make("button", { type: "button", className: "face" }, veil, label);
    box.addEventListener("click", () => this.select?.(id, [...this.boxes.keys()].indexOf(key)));
    this.layer.append(box);
    const parts = { box, veil, label, panel: null, face: null };
    for (const name of ["pointerenter", "pointerleave", "focus", "blur"]) {
      box.addEventListener(name, () => this.showBars(parts));
    }
    this.boxes.set(key, parts);
    return parts;
  }

  update(parts, face, width, height, name) {
    const [x, y, w, h] = face.box;
    const { box, veil, label } = parts;
    const color = this.colors[face.emotion] ?? "#bbbbbb";
    box.style.left = `${(100 * x) / width}%`;
    box.style.top = `${(100 * y) / height}%`;
    box.style.width = `${(100 * w) / width}%`;
    box.style.height = `${(100 * h) / height}%`;
    box.style.borderColor = color;
    box.classList.toggle("below", y < 0.12 * height);
    box.classList.toggle("left", x + w / 2 > 0.6 * width);
    box.classList.toggle("up", y + h / 2 > 0.55 * height);
    box.classList.toggle("small", (this.layer.clientWidth * w) / width < 48);
    const blurred = this.blurs();
    veil.hidden = !blurred;
    if (blurred) {
      const radius = Math.max((this.layer.clientWidth * w) / width / 6, 4);
      veil.style.backdropFilter = `blur(${radius}px)`;
      // No further than the image, in percent of the face.
      const beyond = (free, side) => `${-100 * Math.max(Math.min(MARGIN, free / side), 0)}%`;
      veil.style.inset = [
        beyond(y, h), beyond(width - x - w, w), beyond(height - y - h, h), beyond(x, w),
      ].join(" ");
    }
    label.textContent = labelOf(face, name);
    label.style.background = color;
    label.style.color = inkOn(color);
    box.ariaLabel = `Face ${labelOf(face, name)}`;
    parts.face = face;
    this.showBars(parts);
  }

  /** Show the bars of a face that is pointed at or focused; making them for all takes long. */
  showBars(parts) {
    parts.panel?.remove();
    parts.panel = null;
    if (!parts.box.matches(":hover, :focus")) return;
    parts.panel = bars(parts.face.probabilities, this.colors);
    parts.panel.ariaHidden = "true"; // the table has the same numbers
    parts.box.append(parts.panel);
  }
}
