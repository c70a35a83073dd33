"use strict";
(() => {
  const data = JSON.parse(document.getElementById("session").textContent);
  const get = id => document.getElementById(id);
  const video = get("video"), stage = get("stage"), boxes = get("boxes"), missing = get("missing");
  const labels = data.labels, count = labels.length;
  const STRIP = 22, HEIGHT = 82;
  const hidden = { persons: new Set(), emotions: new Set() };
  let shown = data.videos[0], time = 0, lines = [], address = null;

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  // Colours differ by pattern and label too, for readers who do not see the colours.
  function ink(color) {
    const parts = [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16) / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] > 0.179 ? "#000" : "#fff";
  }
  const PATTERNS = [
    [], [[0, 8, 8, 0]], [[0, 0, 8, 8]], [[4, 4, 4.1, 4.1], [0, 0, 0.1, 0.1]], [[0, 4, 8, 4]],
    [[4, 0, 4, 8]], [[0, 0, 8, 8], [0, 8, 8, 0]], [[0, 4, 8, 4], [4, 0, 4, 8]],
  ];
  function fill(context, index) {
    const color = data.colors[index], tile = element("canvas", { width: 8, height: 8 });
    const pen = tile.getContext("2d");
    pen.fillStyle = color;
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = ink(color);
    pen.globalAlpha = 0.45;
    pen.lineCap = "round";
    pen.lineWidth = index % PATTERNS.length === 3 ? 2.4 : 1.2;
    for (const [x, y, right, down] of PATTERNS[index % PATTERNS.length]) {
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(right, down);
      pen.stroke();
    }
    return context.createPattern(tile, "repeat");
  }

  const length = () => Math.max(shown.end - shown.begin, 0.001);
  const clock = seconds => {
    const tenths = Math.round(seconds * 10);
    const rest = String((tenths % 600 / 10).toFixed(1)).padStart(4, "0");
    return `${Math.floor(tenths / 600)}:${rest}`;
  };
  const top = cell => {
    let best = 1;
    for (let at = 2; at <= count; at++) if (cell[at] > cell[best]) best = at;
    return best - 1;
  };

  // The cell of a person at the time, found by bisection; its successor if that is adjacent.
  function cellsAt(person, seconds) {
    const number = Math.floor((seconds - shown.begin) / shown.cell + 1e-6);
    let low = 0, high = person.cells.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1, found = person.cells[middle][0];
      if (found === number) {
        const next = person.cells[middle + 1];
        return [person.cells[middle], next && next[0] === number + 1 ? next : null];
      }
      if (found < number) low = middle + 1; else high = middle - 1;
    }
    return [null, null];
  }
  function reading(person, seconds) {
    const [cell] = cellsAt(person, seconds);
    if (!cell) return "not seen";
    const emotion = top(cell);
    return `${labels[emotion]} ${cell[emotion + 1]}%`;
  }

  function drawLine(line) {
    const canvas = line.canvas, width = canvas.clientWidth, ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(Math.round(width * ratio), 1);
    canvas.height = Math.round(HEIGHT * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const fills = labels.map((_, index) => fill(pen, index));
    const cells = line.person.cells, scale = width * shown.cell / length();
    const area = HEIGHT - STRIP - 2;
    for (const cell of cells) {
      let bottom = HEIGHT;
      for (let index = 0; index < count; index++) {
        const height = area * cell[index + 1] / 100;
        if (!hidden.emotions.has(index)) {
          pen.fillStyle = data.colors[index];
          pen.fillRect(cell[0] * scale, bottom - height, Math.max(scale, 0.5) + 0.3, height);
        }
        bottom -= height;
      }
    }
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    for (let at = 0; at < cells.length;) {
      const emotion = top(cells[at]);
      let end = at + 1;
      while (end < cells.length && cells[end][0] === cells[end - 1][0] + 1 &&
             top(cells[end]) === emotion) end++;
      const left = cells[at][0] * scale, wide = Math.max((end - at) * scale, 1);
      if (!hidden.emotions.has(emotion)) {
        pen.fillStyle = fills[emotion];
        pen.fillRect(left, 0, wide, STRIP);
        const text = pen.measureText(labels[emotion]).width;
        if (text + 10 < wide) {
          pen.fillStyle = data.colors[emotion];
          pen.fillRect(left + 3, 2, text + 4, STRIP - 4);
          pen.fillStyle = ink(data.colors[emotion]);
          pen.fillText(labels[emotion], left + 5, STRIP / 2);
        }
      }
      at = end;
    }
  }

  function drawBoxes() {
    const width = boxes.clientWidth, height = boxes.clientHeight;
    const ratio = window.devicePixelRatio || 1;
    boxes.width = Math.round(width * ratio);
    boxes.height = Math.round(height * ratio);
    if (!get("marks").checked || !width) return;
    const pen = boxes.getContext("2d");
    pen.scale(ratio, ratio);
    const scale = Math.min(width / shown.size[0], height / shown.size[1]);
    const left = (width - scale * shown.size[0]) / 2, above = (height - scale * shown.size[1]) / 2;
    const part = ((time - shown.begin) / shown.cell) % 1;
    pen.font = "13px system-ui, sans-serif";
    pen.textBaseline = "middle";
    for (const person of shown.people) {
      const [cell, next] = cellsAt(person, time);
      if (!cell || hidden.persons.has(person.name) || hidden.emotions.has(top(cell))) continue;
      const box = [0, 1, 2, 3].map(index => {
        const here = cell[count + 1 + index];
        return next ? here + part * (next[count + 1 + index] - here) : here;
      });
      const x = left + scale * box[0], y = above + scale * box[1];
      const color = data.colors[top(cell)];
      for (const [line, style] of [[5, "#000"], [3, color]]) {
        pen.lineWidth = line;
        pen.strokeStyle = style;
        pen.strokeRect(x, y, scale * box[2], scale * box[3]);
      }
      const text = `${person.name} ${reading(person, time)}`;
      const wide = pen.measureText(text).width + 8;
      const textX = Math.max(Math.min(x, width - wide), 0), textY = Math.max(y - 20, 0);
      pen.fillStyle = color;
      pen.fillRect(textX, textY, wide, 18);
      pen.fillStyle = ink(color);
      pen.fillText(text, textX + 4, textY + 9);
    }
  }

  function showTime() {
    for (const line of lines) {
      const text = reading(line.person, time);
      line.cursor.style.left = `${100 * (time - shown.begin) / length()}%`;
      line.text.textContent = `${clock(time)} ${text}`;
      line.track.setAttribute("aria-valuenow", time.toFixed(3));
      line.track.setAttribute("aria-valuetext", `${clock(time)}, ${text}`);
    }
    drawBoxes();
  }
  function go(seconds) {
    time = Math.min(Math.max(seconds, shown.begin), shown.end);
    if (video.readyState > 0) video.currentTime = time;
    showTime();
  }
  function play() {
    if (video.readyState > 0) video.paused ? video.play() : video.pause();
  }

  function keys(event) {
    const step = event.shiftKey ? 1 : 1 / shown.fps;
    const steps = {
      ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step,
      PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity,
    };
    if (event.key === " ") play();
    else if (event.key in steps) go(time + steps[event.key]);
    else return;
    event.preventDefault();
  }
  function point(line, event) {
    const box = line.canvas.getBoundingClientRect();
    go(shown.begin + length() * (event.clientX - box.left) / box.width);
  }
  function makeLine(person) {
    const canvas = element("canvas"), cursor = element("div", { className: "cursor" });
    const track = element("div", { className: "track", tabIndex: 0 }, canvas, cursor);
    const text = element("span");
    const who = element("div", { className: "who" }, element("b", { textContent: person.name }), text);
    const row = element("div", { className: "line" }, who, track);
    const line = { person, canvas, cursor, track, text, row };
    track.setAttribute("role", "slider");
    track.setAttribute("aria-label", `Time line of ${person.name}`);
    track.setAttribute("aria-describedby", "help");
    track.setAttribute("aria-valuemin", shown.begin);
    track.setAttribute("aria-valuemax", shown.end);
    track.addEventListener("keydown", keys);
    track.addEventListener("pointerdown", event => {
      if (event.button) return;
      track.setPointerCapture(event.pointerId);
      point(line, event);
    });
    track.addEventListener("pointermove", event => {
      if (track.hasPointerCapture(event.pointerId)) point(line, event);
    });
    return line;
  }

  function box(set, key, text, swatch) {
    const input = element("input", { type: "checkbox", checked: !set.has(key) });
    input.addEventListener("change", () => {
      if (input.checked) set.delete(key); else set.add(key);
      applyFilters();
    });
    return element("label", {}, input, ...(swatch ? [swatch] : []), text);
  }
  function applyFilters() {
    for (const line of lines) {
      line.row.hidden = hidden.persons.has(line.person.name);
      if (!line.row.hidden) drawLine(line);
    }
    for (const row of get("people").tBodies[0].rows) {
      row.hidden = hidden.persons.has(row.dataset.person);
    }
    drawBoxes();
  }

  function showVideo(index) {
    shown = data.videos[index];
    time = shown.begin;
    get("lines").replaceChildren();
    lines = shown.people.map(makeLine);
    get("lines").append(...lines.map(line => line.row));
    if (!lines.length) get("lines").append(element("p", { textContent: "No face was found." }));
    const names = shown.people.map(person => person.name);
    get("persons").replaceChildren(
      element("legend", { textContent: "Persons" }),
      ...names.map(name => box(hidden.persons, name, name)));
    load(shown.src);
    applyFilters();
    showTime();
  }
  function load(source) {
    missing.textContent = "";
    stage.hidden = !source;
    if (address) URL.revokeObjectURL(address);
    address = null;
    if (source) video.src = source;
    else {
      video.removeAttribute("src");
      video.load();
      missing.textContent = "There is no video file beside this page. You can choose one below.";
    }
  }
  video.addEventListener("error", () => {
    if (!video.getAttribute("src")) return;
    stage.hidden = true;
    missing.textContent = `The video ${shown.video} cannot be played: it was moved, or your browser ` +
      "does not know its format. Choose the file below, or one converted to H.264.";
  });
  video.addEventListener("loadedmetadata", () => {
    stage.hidden = false;
    missing.textContent = "";
    go(time);
  });
  get("file").addEventListener("change", event => {
    const [file] = event.target.files;
    if (!file) return;
    load(URL.createObjectURL(file));
    address = video.src;
  });
  const follow = () => {
    time = Math.min(Math.max(video.currentTime, shown.begin), shown.end);
    showTime();
  };
  video.addEventListener("timeupdate", follow);
  video.addEventListener("seeked", follow);
  video.addEventListener("play", () => {
    const step = () => {
      follow();
      if (!video.paused && !video.ended) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
  get("marks").addEventListener("change", drawBoxes);
  new ResizeObserver(() => { applyFilters(); showTime(); }).observe(get("lines"));
  new ResizeObserver(drawBoxes).observe(stage);

  for (const [index, entry] of data.videos.entries()) {
    get("videos").append(element("option", { value: index, textContent: entry.video }));
  }
  get("choice").hidden = data.videos.length < 2;
  get("videos").addEventListener("change", event => showVideo(Number(event.target.value)));
  for (const [index, label] of labels.entries()) {
    const swatch = element("canvas", { className: "swatch", width: 28, height: 18 });
    const pen = swatch.getContext("2d");
    pen.fillStyle = fill(pen, index);
    pen.fillRect(0, 0, 28, 18);
    get("emotions").append(box(hidden.emotions, index, label, swatch));
  }
  for (const cells of data.people) {
    const row = element("tr", {}, ...cells.map(text => element("td", { textContent: text })));
    row.dataset.person = cells[0];
    get("people").tBodies[0].append(row);
  }
  if (data.videos.length) showVideo(0);
})();
