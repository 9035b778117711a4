// The command palette: the server says what may be done here, this sorts out what the letters mean.
(function () {
  "use strict";

  var palette = document.getElementById("palette");
  if (!palette) return;
  var field = document.getElementById("palette-field");
  var list = document.getElementById("palette-list");
  var commands = document.getElementById("command-list");
  var found = document.getElementById("found-list");
  var status = palette.querySelector("[role=status]");
  var box = window.leadcrm.combobox(field, list, { first: true, stays: true });

  function all(selector, within) {
    return Array.prototype.slice.call(within.querySelectorAll(selector));
  }

  // How well letters name something: 0 not at all, most for the start of its name.
  function fit(letters, name, words) {
    if (name.indexOf(letters) === 0) return 5;
    if (name.indexOf(" " + letters) >= 0) return 4;
    if ((" " + words).indexOf(" " + letters) >= 0) return 3;
    if (name.indexOf(letters) >= 0) return 2;
    var at = -1;
    for (var i = 0; i < letters.length; i += 1) {
      at = name.indexOf(letters[i], at + 1);
      if (at < 0) return 0;
    }
    return 1;
  }

  function fitOf(option, typed) {
    var name = option.querySelector(".found-label").textContent.toLowerCase();
    var words = option.dataset.words.toLowerCase();
    return typed.split(/\s+/).filter(Boolean).reduce(function (least, word) {
      return Math.min(least, fit(word, name, words));
    }, 6);
  }

  function filter() {
    var typed = field.value.trim().toLowerCase();
    all("[role=group]", commands).forEach(function (group) {
      var options = all("[role=option]", group);
      options.forEach(function (option, place) {
        if (!option.dataset.place) option.dataset.place = place;
        option.fit = fitOf(option, typed);
        var press = option.dataset.press;
        option.hidden = !option.fit || Boolean(press && press !== "keys" && !document.querySelector(press));
      });
      options.sort(function (a, b) { return b.fit - a.fit || a.dataset.place - b.dataset.place; });
      group.append.apply(group, options);
      group.hidden = options.every(function (option) { return option.hidden; });
    });
    if (!typed) found.replaceChildren();
    box.choose(null);
    refresh();
  }

  function refresh() {
    box.refresh();
    var shown = all("[role=option]", list).filter(function (one) { return !one.closest("[hidden]"); });
    status.textContent = shown.length + " to choose from";
  }

  function toggle() {
    if (palette.open) return palette.close();
    var lead = window.leadcrm.at.lead().match(/[0-9a-f-]{36}/);
    commands.replaceChildren();
    palette.showModal();
    field.select();
    window.htmx.ajax("GET", palette.dataset.commands + (lead ? "?lead=" + lead[0] : ""), { target: commands, swap: "innerHTML" });
  }

  function press(selector) {
    if (selector === "keys") return document.getElementById("keys").showModal();
    var buttons = document.querySelectorAll(selector);
    if (buttons.length) buttons[buttons.length - 1].click();
  }

  field.addEventListener("input", filter);
  commands.addEventListener("htmx:afterSwap", filter);
  found.addEventListener("htmx:afterSwap", function () {
    if (!field.value.trim()) found.replaceChildren();
    refresh();
  });

  // What is chosen happens on the page below, from where the reader was.
  list.addEventListener("click", function (event) {
    var option = event.target.closest("[role=option]");
    if (!option) return;
    palette.close();
    if (option.dataset.press) press(option.dataset.press);
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-palette]")) toggle();
  });

  document.body.addEventListener("theme", function (event) {
    var theme = event.detail.theme;
    if (theme === "auto") theme = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    document.documentElement.setAttribute("data-bs-theme", theme);
  });

  window.leadcrm.palette = { toggle: toggle };
})();
