// Counts what is due down, by the server's clock: this machine's may be wrong.
(function () {
  "use strict";

  var EVERY = 5000, MINUTE = 60, HOUR = 3600, DAY = 86400, SOON = 15 * MINUTE;
  var COLOURS = ["bg-red-lt", "bg-yellow-lt", "due-later"];
  var WORDS = {
    "": ["Overdue {}", "{} left", "in {}"],
    answer: ["Answer late by {}", "Answer within {}", "Answer within {}"]
  };
  var ahead = 0;

  function keep(serverSeconds) {
    if (serverSeconds) ahead = serverSeconds * 1000 - Date.now();
  }

  // A page that the browser kept tells when it was made, not what the time is.
  var visit = performance.getEntriesByType("navigation")[0];
  if (!visit || visit.type !== "back_forward") keep(Number(document.body.getAttribute("data-now")));
  document.body.addEventListener("htmx:afterRequest", function (event) {
    var date = event.detail.xhr && event.detail.xhr.getResponseHeader("Date");
    if (date) keep(Date.parse(date) / 1000);
  });

  function span(seconds) {
    if (seconds < HOUR) return Math.max(1, Math.floor(seconds / MINUTE)) + " min";
    if (seconds < 2 * DAY) return Math.floor(seconds / HOUR) + " h";
    return Math.floor(seconds / DAY) + " d";
  }

  function show(chip, now) {
    var time = chip.firstElementChild;
    var left = (Date.parse(time.dateTime) - now) / 1000;
    var state = left < 0 ? 0 : left < SOON ? 1 : 2;
    var text = WORDS[chip.getAttribute("data-due")][state].replace("{}", span(Math.abs(left)));
    if (time.textContent === text) return;
    time.textContent = text;
    chip.classList.remove.apply(chip.classList, COLOURS);
    chip.classList.add(COLOURS[state]);
  }

  function tick() {
    if (document.hidden) return;
    var now = Date.now() + ahead;
    document.querySelectorAll("[data-due]").forEach(function (chip) { show(chip, now); });
  }

  setInterval(tick, EVERY);
  document.addEventListener("visibilitychange", tick);
})();
