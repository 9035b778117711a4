// What the pages need beyond HTMX: announcements, errors, menus, keys. All works without it too.
(function () {
  "use strict";

  var SHOWN_FOR = 10000;

  // A toast stays while the pointer or the focus is on it.
  function fade(note) {
    var timer;
    var start = function () { timer = setTimeout(function () { note.remove(); }, SHOWN_FOR); };
    var hold = function () { clearTimeout(timer); };
    ["mouseenter", "focusin"].forEach(function (name) { note.addEventListener(name, hold); });
    ["mouseleave", "focusout"].forEach(function (name) { note.addEventListener(name, start); });
    start();
  }

  function undoButton(note, address) {
    var button = document.createElement("button");
    button.className = "btn btn-sm";
    button.textContent = "Undo";
    button.setAttribute("data-undo", "");
    button.addEventListener("click", function () {
      button.disabled = true;
      note.remove();
      window.htmx.ajax("POST", address, { swap: "none" });
    });
    return button;
  }

  function announce(text, options) {
    var how = options || {};
    var note = document.createElement("div");
    var words = document.createElement("span");
    note.className = "toast-note " + (how.failed ? "error" : "success");
    note.setAttribute("role", "status");
    words.textContent = text;
    note.append(words);
    // What was done before can't be undone past what was done since.
    if (!how.aside) document.querySelectorAll("#toasts [data-undo]").forEach(function (old) { old.remove(); });
    if (how.undo) note.append(undoButton(note, how.undo));
    document.getElementById("toasts").append(note);
    fade(note);
  }
  window.leadcrm = { announce: announce };

  function explain(text) {
    var bar = document.getElementById("errors");
    bar.querySelector("span").textContent = text;
    bar.hidden = false;
  }

  document.querySelectorAll("#toasts .toast-note").forEach(fade);

  document.body.addEventListener("toast", function (event) {
    announce(event.detail.text, event.detail);
  });

  // The poll rests while nobody looks, but for the one tab that announces what is new.
  document.body.addEventListener("htmx:beforeRequest", function (event) {
    var poll = event.target;
    if (poll.hasAttribute("data-poll") && document.hidden && !poll.hasAttribute("data-speaks")) event.preventDefault();
  });

  document.body.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.successful && !event.target.hasAttribute("data-bell")) document.getElementById("errors").hidden = true;
  });

  // Empty filters stay out of the address.
  document.body.addEventListener("htmx:configRequest", function (event) {
    if (event.detail.verb !== "get") return;
    var values = event.detail.parameters;
    Object.keys(values).forEach(function (name) {
      if (values[name] === "") delete values[name];
    });
  });

  document.body.addEventListener("htmx:responseError", function (event) {
    var answer = event.detail.xhr;
    var type = answer.getResponseHeader("Content-Type") || "";
    if (event.target.hasAttribute("data-poll") && answer.status >= 500) return;
    if (type.indexOf("text/plain") === 0) announce(answer.responseText, { failed: true });
    else if (answer.status === 404 && event.target.matches("tr[data-lead], li[data-lead]")) event.target.remove();
    else if (answer.status === 404) explain("Not found, or not yours. Ask a manager.");
    else if (answer.status === 403) explain("This page is out of date. Reload it and try again.");
    else explain("Something went wrong. What you typed is still here: try again.");
  });

  function unreachable(event) {
    if (event.target.hasAttribute("data-bell")) return; // it asks again, and says nothing meanwhile
    var at = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    if (event.target.hasAttribute("data-poll")) explain("Couldn't refresh; no connection since " + at + ".");
    else explain("No answer from the server. What you typed is still here: try again.");
  }
  document.body.addEventListener("htmx:sendError", unreachable);
  document.body.addEventListener("htmx:timeout", unreachable);

  // A form that opens is ready to be typed into; one that was refused starts at its fault.
  document.body.addEventListener("htmx:afterSettle", function (event) {
    var id = event.detail.target ? event.detail.target.id : "";
    if (id !== "panel" && id !== "details" && id !== "reach") return;
    var form = document.getElementById(id);
    var field = form.querySelector("[aria-invalid=true]:not(fieldset)") ||
      form.querySelector("input:not([type=hidden]), select, textarea") ||
      form.querySelector("form .btn-primary");
    if (field) field.focus();
  });

  var fold = document.querySelector("[data-fold]");
  if (fold) {
    fold.setAttribute("aria-pressed", String(document.documentElement.hasAttribute("data-nav-narrow")));
    fold.addEventListener("click", function () {
      var narrow = document.documentElement.toggleAttribute("data-nav-narrow");
      fold.setAttribute("aria-pressed", String(narrow));
      try { localStorage.setItem("nav-narrow", narrow ? "1" : ""); } catch { /* storage is off: until the next page */ }
    });
  }

  // Browsers give the clipboard only to pages that came by https, or from this machine.
  function copyText(text) {
    if (!navigator.clipboard) return announce("Copy it by hand: " + text, { failed: true });
    navigator.clipboard.writeText(text).then(
      function () { announce("Copied."); },
      function () { announce("Copy it by hand: " + text, { failed: true }); }
    );
  }

  document.addEventListener("click", function (event) {
    var copy = event.target.closest("[data-copy]");
    if (copy) {
      var field = document.querySelector(copy.getAttribute("data-copy"));
      field.select();
      copyText(field.value);
    }
    var text = event.target.closest("[data-copy-text]");
    if (text) copyText(text.getAttribute("data-copy-text"));
    if (event.target.closest("[data-reload]")) location.reload();
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      document.querySelectorAll("details.menu[open]").forEach(function (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      });
    }
    var typing = event.target.closest("input, textarea, select, [contenteditable]");
    var scope = document.querySelector("#sheet[open]") || document;
    var choices = scope.querySelectorAll(".verb-call [name=outcome]");
    var chosen = choices[Number(event.key) - 1];
    var inText = typing && event.target.type !== "radio";
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) {
      event.target.form.requestSubmit();
    }
    if (chosen && !inText && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      chosen.checked = true;
      chosen.focus();
    }
  });

  // The settings' navigation follows the scroll: the part at the top of the window is marked.
  function followScroll() {
    var parts = Array.from(document.querySelectorAll(".subnav a.part"));
    var sections = parts.map(function (part) { return document.querySelector(part.getAttribute("href")); });
    var mark = function () {
      var current = 0;
      sections.forEach(function (section, place) {
        if (section && section.getBoundingClientRect().top < window.innerHeight / 3) { current = place; }
      });
      parts.forEach(function (part, place) {
        part.classList.toggle("seen", place === current);
        if (place === current) { part.setAttribute("aria-current", "location"); } else { part.removeAttribute("aria-current"); }
      });
    };
    if (parts.length) {
      window.addEventListener("scroll", mark, { passive: true });
      mark();
    }
  }
  document.addEventListener("DOMContentLoaded", followScroll);
})();
