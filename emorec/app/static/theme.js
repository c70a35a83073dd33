// Light or dark: the choice of the user, else that of the system. Runs before the page is painted.
"use strict";
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("emorec-theme");
  const isDark = () => (chosen() ?? (system.matches ? "dark" : "light")) === "dark";

  function apply() {
    root.dataset.theme = isDark() ? "dark" : "light";
    const button = document.getElementById("theme");
    if (button) button.textContent = isDark() ? "Light mode" : "Dark mode";
    document.dispatchEvent(new Event("themechange"));
  }

  apply();
  system.addEventListener("change", apply);
  addEventListener("DOMContentLoaded", () => {
    apply();
    document.getElementById("theme").addEventListener("click", () => {
      localStorage.setItem("emorec-theme", isDark() ? "light" : "dark");
      apply();
    });
  });
})();
