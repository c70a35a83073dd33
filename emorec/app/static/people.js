// The people of a session: their names, who is hidden, and the download that respects both.

import { downloadSession } from "./api.js";
import { make, save, showProblem } from "./dom.js";

/** A button that downloads the files of a session; `people` has name and hidden by id. */
export function downloadButton(session, people) {
  const button = make("button", { type: "button" }, "Download all results");
  button.addEventListener("click", async () => {
    const query = new URLSearchParams();
    for (const [id, { name, hidden }] of Object.entries(people)) {
      if (hidden) query.append("hide", id);
      else if (name) query.append("person", `${id}=${name}`);
    }
    button.disabled = true;
    showProblem("");
    try {
      save(await downloadSession(session, query), "session.zip");
    } catch (error) {
      showProblem(error.message);
    }
    button.disabled = false;
    button.focus();
  });
  return button;
}
