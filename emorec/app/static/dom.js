// Small helpers for elements. Text is always set as text, never parsed as HTML.

/** Make an element: properties, then children (elements or texts). */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter(child => child !== null));
  return element;
}

export const byId = id => document.getElementById(id);

/** Say something to users of screen readers. */
export function announce(text) {
  byId("live").textContent = text;
}

/** Show a problem above the content; an empty text hides it. */
export function showProblem(text) {
  const place = byId("problem");
  place.textContent = text;
  place.hidden = !text;
}

/** Let the browser save a blob. */
export function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** Call back with the files that are dropped on an element, and all that is dropped. */
export function onDrop(element, take) {
  for (const name of ["dragenter", "dragover"]) {
    element.addEventListener(name, event => {
      event.preventDefault();
      element.classList.add("over");
    });
  }
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", event => {
    event.preventDefault();
    element.classList.remove("over");
    take([...event.dataTransfer.files], event.dataTransfer);
  });
}

export const wait = milliseconds => new Promise(done => setTimeout(done, milliseconds));

/** "1 photo", "2 photos" */
export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

export const percent = share => `${Math.round(100 * share)}%`;

/** 83.4 becomes "1:23". */
export function clock(seconds) {
  const whole = Math.max(Math.floor(seconds), 0);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
