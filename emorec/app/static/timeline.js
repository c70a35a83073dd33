// A time line of one person: a lane for each emotion, so that colour is not the only cue.

import { clock, make, percent } from "./dom.js";

const LANE = 13;
const MARK = 3;

/** Draws points [time, probabilities] of one person. */
export class TimeLine {
  /** `seek` makes it a slider that is called with a time. */
  constructor(title, labels, colors, seek = null) {
    this.labels = labels;
    this.colors = colors;
    this.points = [];
    this.from = 0;
    this.to = 1;
    this.cursor = null;
    this.canvas = make("canvas", {});
    this.plot = make("div", { className: "plot" }, this.canvas);
    const names = labels.map(label => make("span", {}, label));
    this.element = make("div", { className: "line" }, make("div", { className: "lanes", ariaHidden: "true" }, ...names), this.plot);
    if (seek) this.makeSlider(title, seek);
    else {
      this.plot.role = "img";
      this.plot.ariaLabel = title;
    }
    new ResizeObserver(() => this.draw()).observe(this.plot);
    document.addEventListener("themechange", () => this.draw());
  }

  makeSlider(title, seek) {
    Object.assign(this.plot, { role: "slider", ariaLabel: title, tabIndex: 0 });
    const at = event => {
      const box = this.plot.getBoundingClientRect();
      const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      seek(this.from + share * (this.to - this.from));
    };
    this.plot.addEventListener("pointerdown", event => {
      this.plot.setPointerCapture(event.pointerId);
      at(event);
    });
    this.plot.addEventListener("pointermove", event => {
      if (event.buttons) at(event);
    });
    this.plot.addEventListener("keydown", event => {
      const steps = { ArrowLeft: -0.2, ArrowRight: 0.2, ArrowDown: -0.2, ArrowUp: 0.2, PageDown: -5, PageUp: 5 };
      const now = this.cursor ?? this.from;
      const to = event.key === "Home" ? this.from : event.key === "End" ? this.to : event.key in steps ? now + steps[event.key] : null;
      if (to === null) return;
      event.preventDefault();
      seek(Math.min(Math.max(to, this.from), this.to));
    });
  }

  setRange(from, to) {
    this.from = from;
    this.to = Math.max(to, from + 0.001);
  }

  /** The point that is shown at a time; null where the person is not seen. */
  at(time) {
    let low = 0;
    let high = this.points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.points[middle][0] <= time + 0.001) low = middle + 1;
      else high = middle;
    }
    const point = this.points[low - 1];
    return point && time - point[0] < 0.5 ? point : null;
  }

  setCursor(time) {
    this.cursor = time;
    if (this.plot.role !== "slider") return;
    const point = this.at(time);
    const top = point ? point[1].indexOf(Math.max(...point[1])) : -1;
    const text = point ? `${this.labels[top]} ${percent(point[1][top])}` : "not seen";
    this.plot.ariaValueMin = String(this.from);
    this.plot.ariaValueMax = this.to.toFixed(1);
    this.plot.ariaValueNow = time.toFixed(1);
    this.plot.ariaValueText = `${clock(time)}, ${text}`;
  }

  draw() {
    const width = this.plot.clientWidth;
    if (!width) return;
    const height = LANE * this.labels.length;
    const ratio = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: width * ratio, height: height * ratio });
    this.canvas.style.height = `${height}px`;
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    const style = getComputedStyle(this.plot);
    const ink = style.color;
    this.labels.forEach((label, lane) => {
      context.fillStyle = style.getPropertyValue("--lane");
      context.fillRect(0, lane * LANE, width, LANE - 1);
    });
    const scale = width / (this.to - this.from);
    // One column for each pixel: the last point in it.
    this.points.forEach(([time, probabilities], index) => {
      // Whole pixels, or seams show between the columns.
      const left = Math.round((time - this.from) * scale);
      const next = this.points[index + 1]?.[0] ?? time + 0.1;
      const right = Math.round((Math.min(next, time + 0.5) - this.from) * scale);
      if (right < 0 || left > width) return;
      const top = probabilities.indexOf(Math.max(...probabilities));
      probabilities.forEach((share, lane) => {
        if (share < 0.03) return;
        context.globalAlpha = lane === top ? 1 : 0.65 * share;
        context.fillStyle = this.colors[this.labels[lane]];
        const tall = lane === top ? LANE - 1 : Math.max((LANE - 1) * share, 1);
        context.fillRect(left, (lane + 1) * LANE - 1 - tall, Math.max(right - left, 1), tall);
      });
      context.globalAlpha = 1;
      context.fillStyle = ink;
      context.fillRect(left, (top + 1) * LANE - 1 - MARK, Math.max(right - left, 1), MARK);
    });
    if (this.cursor !== null) {
      context.fillRect((this.cursor - this.from) * scale - 1, 0, 2, height);
    }
  }
}
