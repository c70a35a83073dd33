// Requests to the REST interface of this server.

const BASE = "/api/v1";

export const address = (path, query) => {
  const text = new URLSearchParams(query).toString();
  return `${BASE}/${path}${text ? `?${text}` : ""}`;
};

async function check(response) {
  if (response.ok) return response;
  let message = `the server answered ${response.status}`;
  try {
    message = (await response.json()).error.message;
  } catch {
    // Not an answer of this server, such as an empty one.
  }
  throw new Error(message);
}

export async function get(path, query = {}) {
  return (await check(await fetch(address(path, query)))).json();
}

/** Send a request again while the server is busy. */
async function send(path, query, body, signal = null) {
  for (let attempt = 0; ; attempt += 1) {
    const response = await fetch(address(path, query), { method: "POST", body, signal });
    if (response.status !== 503 || attempt === 10) return check(response);
    await new Promise(done => setTimeout(done, 1000 * Number(response.headers.get("Retry-After") ?? 2)));
  }
}

/** Recognize one photo; returns its record and the labels. */
export async function recognize(file, query) {
  const all = { ...query, name: file.name };
  const found = await (await send("recognize", all, file)).json();
  return { record: found.images[0], frames: found.images.length, labels: found.model.labels };
}

/** Recognize photos and return the result in a format as a blob. */
export async function convert(files, query, format) {
  const all = { ...query, format };
  if (files.length === 1) {
    return (await send("recognize", { ...all, name: files[0].name }, files[0])).blob();
  }
  const form = new FormData();
  for (const file of files) form.append("image", file, file.name);
  return (await send("recognize", all, form)).blob();
}

/** The image that shows why a face, counted from 1, has its emotion. */
export async function explain(file, face, query) {
  return (await send("explain", { ...query, name: file.name, face }, file)).blob();
}

/** Upload a video to a path; `progress` is called with the share that is sent. Returns the answer. */
export function uploadVideo(path, file, query, progress, signal) {
  return new Promise((resolve, reject) => {
    // fetch does not report the progress of an upload.
    const request = new XMLHttpRequest();
    request.open("POST", address(path, query));
    request.responseType = "json";
    request.upload.addEventListener("progress", event => progress(event.loaded / file.size));
    request.addEventListener("load", () => {
      if (request.status === 202) resolve(request.response);
      else reject(new Error(request.response?.error?.message ?? `the server answered ${request.status}`));
    });
    request.addEventListener("error", () => reject(new Error("the upload failed; is emorec app still running?")));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** All files of a session as a blob; the query has names and hidden people. */
export async function downloadSession(id, query) {
  return (await check(await fetch(address(`sessions/${id}/download`, query)))).blob();
}

/** Send a value as JSON, or nothing, and return the answer; it arrives even if the page is left. */
export async function call(method, path, query = {}, value = undefined) {
  const body = value === undefined ? undefined : JSON.stringify(value);
  // Browsers refuse large bodies of requests that outlive the page.
  const keepalive = method === "PUT";
  return check(await fetch(address(path, query), { method, body, keepalive }));
}

/** Find the faces of a photo of a label project. */
export async function addPhoto(id, path, file, signal) {
  return (await (await send(`projects/${id}/photos`, { path }, file, signal)).json()).faces;
}

/** What the server holds for this page; it is deleted when the page is left, as nothing shows it any more. */
const held = new Set();

export const hold = path => held.add(path);

export async function discard(path) {
  held.delete(path);
  await fetch(address(path), { method: "DELETE" });
}

export const keepSession = id => hold(`sessions/${id}`);

export const deleteSession = id => discard(`sessions/${id}`);

addEventListener("pagehide", event => {
  if (event.persisted) return; // the browser may come back to the page as it is
  for (const path of held) fetch(address(path), { method: "DELETE", keepalive: true });
});

/** Open the WebSocket of a camera. */
export function openCamera(query) {
  const url = new URL(address("camera", query), location.href);
  url.protocol = location.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  return socket;
}
