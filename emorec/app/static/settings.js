// The settings of the model and the detector, made of what the server offers.

import { byId, make } from "./dom.js";

export class Settings extends EventTarget {
  constructor(options, models) {
    super();
    this.options = options.options;
    this.colors = options.colors;
    this.models = models.filter(model => !model.problem);
    this.values = {};
    this.form = byId("settings-form");
    this.form.addEventListener("submit", event => event.preventDefault());
    const start = { name: options.model, explanation: "", value: "" };
    const own = this.models.find(model => model.name === options.model);
    const others = this.models.filter(model => model !== own);
    const choices = [{ ...start, ...own, value: "" }, ...others.map(model => ({ ...model, value: model.name }))];
    this.addChoice("model", "Model", { choices, default: "", explanation: "" });
    this.addChoice("detector", "Face detector", this.options.detector);
    this.addChoice("classes", "Emotions", this.options.classes);
    this.addChoice("prior", "Prior", this.options.prior);
    this.addConfidence(this.options.min_confidence);
    this.addSwitch("flip", "Look twice (mirror image)", this.options.flip.explanation);
    if (this.options.blur) {
      this.addSwitch("blur", "Blur faces", this.options.blur.explanation);
    }
  }

  /** The query parameters of requests; only what differs from the defaults. */
  query() {
    return Object.fromEntries(Object.entries(this.values).filter(([, value]) => value !== ""));
  }

  get blurs() {
    return "blur" in this.query();
  }

  set(name, value) {
    this.values[name] = value;
    this.dispatchEvent(new Event("change"));
  }

  addChoice(name, title, option) {
    const id = `setting-${name}`;
    const select = make("select", { id, "aria-describedby": `${id}-text` });
    for (const choice of option.choices) {
      const value = String(choice.value);
      select.append(make("option", { value }, choice.name ?? value));
    }
    select.value = String(option.default);
    const text = make("p", { id: `${id}-text`, className: "hint" });
    const explain = () => {
      const chosen = option.choices.find(choice => String(choice.value) === select.value);
      text.textContent = chosen.explanation || option.explanation;
    };
    select.addEventListener("change", () => {
      explain();
      this.set(name, select.value === String(option.default) ? "" : select.value);
    });
    explain();
    this.form.append(make("div", { className: "setting" }, make("label", { htmlFor: id }, title), select, text));
  }

  addConfidence(option) {
    const id = "setting-min_confidence";
    const output = make("output", { htmlFor: id }, "off");
    const range = make("input", { type: "range", id, min: "0", max: "0.95", step: "0.05", value: "0" });
    range.setAttribute("aria-describedby", `${id}-text`);
    const show = () => {
      output.textContent = Number(range.value) ? `${Math.round(100 * range.value)}%` : "off";
    };
    range.addEventListener("input", show);
    range.addEventListener("change", () => this.set("min_confidence", Number(range.value) ? range.value : ""));
    this.form.append(make("div", { className: "setting" },
      make("label", { htmlFor: id }, "Least confidence", output), range,
      make("p", { id: `${id}-text`, className: "hint" }, option.explanation)));
  }

  addSwitch(name, title, explanation) {
    const id = `setting-${name}`;
    const box = make("input", { type: "checkbox", id, role: "switch" });
    box.setAttribute("aria-describedby", `${id}-text`);
    box.addEventListener("change", () => this.set(name, box.checked ? this.valueOf(name) : ""));
    this.form.append(make("div", { className: "setting" },
      make("label", { className: "check" }, box, ` ${title}`),
      make("p", { id: `${id}-text`, className: "hint" }, explanation)));
  }

  /** What a switch means in a query: the first method of the option, or 1. */
  valueOf(name) {
    return this.options[name].choices?.find(choice => choice.value)?.value ?? "1";
  }
}
