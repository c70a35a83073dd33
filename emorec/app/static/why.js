// The dialog that shows which parts of a face decided.

import { explain } from "./api.js";
import { byId } from "./dom.js";

let asked = 0;

/** Explain a face, counted from 1, of a photo. */
export async function showWhy(file, face, emotion, query) {
  const own = (asked += 1);
  const image = byId("why-image");
  const state = byId("why-state");
  byId("why-title").textContent = `Why ${emotion}?`;
  state.textContent = "covering parts of the face, one after another";
  image.hidden = true;
  byId("why").showModal();
  try {
    const blob = await explain(file, face, query);
    if (own !== asked) return;
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(blob);
    image.alt = `Face ${face} of ${file.name}, with the parts that decide marked`;
    image.hidden = false;
    state.textContent = "";
  } catch (error) {
    if (own === asked) state.textContent = error.message;
  }
}
