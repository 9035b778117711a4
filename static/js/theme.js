// Runs before the page is drawn, so that a dark page never flashes light, nor a narrow navigation wide.
(function () {
  var root = document.documentElement;
  try { root.toggleAttribute("data-nav-narrow", localStorage.getItem("nav-narrow") === "1"); } catch { /* storage is off */ }
  if (root.hasAttribute("data-bs-theme")) return;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var apply = function () { root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light"); };
  apply();
  dark.addEventListener("change", apply);
})();
