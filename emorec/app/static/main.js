// The page: tabs, settings, and one module for each tab.

import { get } from "./api.js";
import { setUpCamera } from "./camera.js";
import { byId, showProblem } from "./dom.js";
import { setUpLabels } from "./label.js";
import { setUpPhotos } from "./photo.js";
import { Settings } from "./settings.js";
import { setUpVideo } from "./video.js";

const TABS = ["photo", "camera", "video", "label"];

function select(name, focus = false) {
  for (const each of TABS) {
    const tab = byId(`tab-${each}`);
    const chosen = each === name;
    tab.ariaSelected = String(chosen);
    tab.tabIndex = chosen ? 0 : -1;
    byId(`panel-${each}`).hidden = !chosen;
    if (chosen && focus) tab.focus();
  }
  showProblem("");
  history.replaceState(null, "", `#${name}`);
  document.dispatchEvent(new CustomEvent("tabchange", { detail: name }));
}

function setUpTabs() {
  TABS.forEach((name, index) => {
    const tab = byId(`tab-${name}`);
    tab.addEventListener("click", () => select(name));
    tab.addEventListener("keydown", event => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const to = step ? (index + step + TABS.length) % TABS.length : { Home: 0, End: TABS.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      select(TABS[to], true);
    });
  });
  const wanted = location.hash.slice(1);
  select(TABS.includes(wanted) ? wanted : "photo");
}

async function start() {
  if (matchMedia("(max-width: 56rem)").matches) byId("settings").open = false;
  setUpTabs();
  try {
    const [options, { models }] = await Promise.all([get("options"), get("models")]);
    const settings = new Settings(options, models);
    setUpPhotos(settings, options.limits);
    setUpCamera(settings);
    setUpVideo(settings, options.limits);
    setUpLabels(settings, options.limits);
    document.documentElement.dataset.ready = "yes";
  } catch (error) {
    showProblem(`The page could not be set up: ${error.message}`);
  }
}

start();
