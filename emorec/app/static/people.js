// The people of a session: their names, who is hidden, and the download that respects both.

import { address } from "./api.js";
import { make } from "./dom.js";

/** A link that downloads the files of a session; `people` has name and hidden by id. */
export function downloadLink(session, people) {
  const link = make("a", { className: "button", download: "" }, "Download all results");
  const update = () => {
    const query = new URLSearchParams();
    for (const [id, { name, hidden }] of Object.entries(people)) {
      if (hidden) query.append("hide", id);
      else if (name) query.append("person", `${id}=${name}`);
    }
    const text = query.toString();
    link.href = address(`sessions/${session}/download`) + (text ? `?${text}` : "");
  };
  update();
  link.addEventListener("click", update);
  link.addEventListener("focus", update);
  link.addEventListener("pointerenter", update);
  return link;
}
