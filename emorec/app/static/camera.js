// The tab "Camera": live faces with ids, running time lines, recordings.

import { deleteSession, keepSession, openCamera } from "./api.js";
import { announce, byId, clock, make, showProblem } from "./dom.js";
import { FaceLayer } from "./faces.js";
import { downloadButton } from "./people.js";
import { TimeLine } from "./timeline.js";

const WIDTH = 640;
const WINDOW_S = 20;
const QUALITY = 0.85;
const DRAWINGS_PER_S = 5; // of the time lines

const REASONS = {
  NotAllowedError: "The browser may not use the camera; allow it for this page, then start again.",
  NotFoundError: "No camera was found.",
  NotReadableError: "The camera is in use by another program.",
};

export function setUpCamera(settings) {
  const video = byId("camera-video");
  const stage = byId("camera-stage");
  const start = byId("camera-start");
  const record = byId("camera-record");
  const state = byId("camera-state");
  const canvas = make("canvas", {});
  const layer = new FaceLayer(stage, settings.colors, { blurs: () => settings.blurs });
  const hint = state.textContent;
  let stream = null;
  let socket = null;
  let lines = new Map();
  let began = 0;
  let taken = 0;
  let drawn = 0;
  let recordedFrom = null;

  async function begin() {
    showProblem("");
    if (!navigator.mediaDevices) {
      showProblem("Browsers allow cameras only at localhost, 127.0.0.1 or with https.");
      return;
    }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: WIDTH, height: 480 }, audio: false });
    } catch (error) {
      showProblem(REASONS[error.name] ?? `The camera cannot be used: ${error.message}`);
      return;
    }
    video.srcObject = stream;
    stage.hidden = false;
    await video.play();
    began = performance.now();
    connect();
    start.textContent = "Stop the camera";
    record.disabled = false;
    announce("camera started");
  }

  function connect() {
    socket = openCamera(settings.query());
    const own = socket;
    own.addEventListener("open", sendFrame);
    own.addEventListener("message", event => take(JSON.parse(event.data)));
    own.addEventListener("close", () => {
      if (own !== socket) return;
      if (stream) showProblem("The connection to emorec ended; start the camera again.");
      end();
    });
  }

  /** Send the frame that is shown now; the answer asks for the next one. */
  function sendFrame() {
    const own = socket;
    if (!stream || own?.readyState !== WebSocket.OPEN) return;
    taken = performance.now();
    const scale = Math.min(1, WIDTH / video.videoWidth);
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const time = (taken - began) / 1000;
    canvas.toBlob(async blob => {
      if (!blob || own !== socket || own.readyState !== WebSocket.OPEN) return;
      const message = new Uint8Array(8 + blob.size);
      new DataView(message.buffer).setFloat64(0, time, true);
      message.set(new Uint8Array(await blob.arrayBuffer()), 8);
      own.send(message);
    }, "image/jpeg", QUALITY);
  }

  function take(answer) {
    if (answer.error) {
      showProblem(answer.error.message);
      requestAnimationFrame(sendFrame);
    } else if ("recording" in answer) {
      takeRecording(answer);
    } else {
      layer.show(answer.faces, answer.width, answer.height);
      stage.dataset.frames = String(answer.frame + 1);
      if (recordedFrom !== null) state.textContent = `recording, ${clock((performance.now() - recordedFrom) / 1000)}`;
      const from = taken;
      const own = socket;
      requestAnimationFrame(() => {
        if (own !== socket) return; // the camera was stopped, or has another connection
        // The boxes are painted now; scripts/bench_app.py reads the time.
        stage.dataset.milliseconds = (performance.now() - from).toFixed(1);
        sendFrame();
        addPoints(answer);
      });
    }
  }

  function addPoints({ faces, time_s: time }) {
    const draw = time - drawn > 1 / DRAWINGS_PER_S || time < drawn;
    if (draw) drawn = time;
    for (const face of faces) {
      const labels = Object.keys(face.probabilities);
      if (!lines.has(face.id)) {
        const line = new TimeLine(`Emotions of person ${face.id} in the last ${WINDOW_S} seconds`, labels, settings.colors);
        const item = make("section", { className: "person" }, make("h2", {}, `Person ${face.id}`), line.element);
        byId("camera-lines").append(item);
        lines.set(face.id, { line, item });
        announce(`person ${face.id}: ${face.emotion}`);
      }
      lines.get(face.id).line.points.push([time, Object.values(face.probabilities)]);
    }
    for (const [id, { line, item }] of lines) {
      line.points = line.points.filter(point => point[0] > time - WINDOW_S);
      if (!line.points.length) {
        item.remove();
        lines.delete(id);
        continue;
      }
      line.setRange(time - WINDOW_S, time);
      if (draw) line.draw();
    }
  }

  function takeRecording({ recording, session }) {
    record.ariaPressed = String(recording);
    record.textContent = recording ? "Stop recording" : "Record";
    recordedFrom = recording ? performance.now() : null;
    announce(recording ? "recording" : "recording ended");
    if (recording) {
      stage.dataset.session = session;
      keepSession(session);
      return;
    }
    state.textContent = hint;
    if (session) addRecording(session);
  }

  function addRecording(session) {
    const when = new Date().toLocaleTimeString();
    const remove = make("button", { type: "button", className: "plain" }, "Delete");
    const row = make("div", { className: "actions" }, make("span", {}, `Recording of ${when}`), downloadButton(session, {}), remove);
    remove.addEventListener("click", async () => {
      await deleteSession(session);
      row.remove();
      announce("recording deleted");
    });
    byId("camera-recordings").append(row);
  }

  function end() {
    if (recordedFrom !== null) addRecording(stage.dataset.session);
    recordedFrom = null;
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    const old = socket;
    socket = null;
    old?.close();
    video.srcObject = null;
    stage.hidden = true;
    layer.show([], 1, 1);
    byId("camera-lines").replaceChildren();
    lines = new Map();
    start.textContent = "Start the camera";
    record.disabled = true;
    record.ariaPressed = "false";
    record.textContent = "Record";
    state.textContent = hint;
  }

  start.addEventListener("click", () => (stream ? end() : begin()));
  record.addEventListener("click", () => {
    socket?.send(JSON.stringify({ record: record.ariaPressed !== "true" }));
  });
  document.addEventListener("tabchange", event => {
    if (event.detail !== "camera" && stream) end();
  });
  settings.addEventListener("change", () => {
    // Another model needs another connection; a recording ends with it.
    if (!stream) return;
    if (recordedFrom !== null) addRecording(stage.dataset.session);
    recordedFrom = null;
    record.ariaPressed = "false";
    record.textContent = "Record";
    state.textContent = hint;
    const old = socket;
    socket = null;
    old.close();
    layer.show([], 1, 1);
    byId("camera-lines").replaceChildren();
    lines = new Map();
    began = performance.now();
    connect();
  });
}
