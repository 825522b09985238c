"use strict";
// Runs before the first paint to avoid a flash. The user's choice overrides the system's theme.
const system = matchMedia("(prefers-color-scheme: dark)");

function applyTheme() {
  const chosen = localStorage.getItem("theme");
  document.documentElement.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
}

function toggleTheme() {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  if ((next === "dark") === system.matches) localStorage.removeItem("theme");
  else localStorage.setItem("theme", next);
  applyTheme();
}

system.addEventListener("change", applyTheme);
addEventListener("storage", applyTheme);
applyTheme();
