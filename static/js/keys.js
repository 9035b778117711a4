// Keys for whoever lives in the list: they act on the lead of the page, or on the row in focus.
(function () {
  "use strict";

  var VERBS = { c: "call", n: "note", t: "task", b: "book", s: "move", a: "assign", z: "snooze", l: "close" };

  var ROWS = "tr[data-lead], [data-row]";

  function opener(row) {
    return row.querySelector(".row-link, .row-open") || row.querySelector("a, button");
  }

  function isTyping(target) {
    return Boolean(target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]"));
  }

  function rows() {
    return Array.prototype.slice.call(document.querySelectorAll(ROWS));
  }

  // A row that was read anew has lost the focus; it is still where the rep was.
  var last = "";

  function currentRow() {
    var focused = document.activeElement;
    var row = focused ? focused.closest(ROWS) : null;
    if (row) last = row.id;
    return row || (focused === document.body && last ? document.getElementById(last) : null);
  }

  document.addEventListener("focusin", currentRow);

  document.body.addEventListener("htmx:afterSettle", function () {
    var row = currentRow();
    if (row && document.activeElement === document.body) opener(row).focus({ preventScroll: true });
  });

  function move(step) {
    var all = rows();
    if (!all.length) return false;
    var at = all.indexOf(currentRow());
    var row = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
    opener(row).focus();
    row.scrollIntoView({ block: "nearest" });
    return true;
  }

  // The lead that a key is about: that of the sheet, of the page, or of the row in focus.
  function lead() {
    var sheet = document.querySelector("#sheet[open] [data-lead]");
    var page = document.getElementById("lead");
    var holder = sheet || page || currentRow() || rows()[0];
    return holder ? holder.dataset.lead || "" : "";
  }

  function open(path) {
    var address = lead();
    if (!address) return false;
    window.htmx.ajax("GET", address + path, { target: "#sheet-body", swap: "innerHTML" });
    return true;
  }

  function press(selector) {
    var found = document.querySelectorAll(selector);
    if (!found.length) return false;
    found[found.length - 1].click();
    return true;
  }

  function act(event) {
    var key = event.key;
    if (key === "j" || key === "k") return move(key === "j" ? 1 : -1);
    var row = currentRow();
    var own = row && row.querySelector('[data-key="' + CSS.escape(key) + '"]');
    if (own) {
      own.click();
      return true;
    }
    if (key === " ") return document.activeElement.closest(".row-link") ? open("") : false;
    if (key === "u") return press("#toasts [data-undo]");
    if (key === "[") return press("a[rel=prev]");
    if (key === "]") return press("a[rel=next]");
    if (key === "?") {
      document.getElementById("keys").showModal();
      return true;
    }
    if (key === "/") return focusSearch();
    return VERBS[key] ? open(VERBS[key] + "/") : false;
  }

  function focusSearch() {
    var search = document.getElementById("search");
    if (search) search.focus();
    return Boolean(search);
  }

  document.addEventListener("keydown", function (event) {
    var command = event.ctrlKey || event.metaKey;
    if (command && event.key.toLowerCase() === "k" && !event.shiftKey && !event.altKey) {
      if (focusSearch()) event.preventDefault();
      return;
    }
    if (command || event.altKey || event.repeat && event.key !== "j" && event.key !== "k") return;
    if (event.key === "Escape" && isTyping(event.target) && !event.target.closest("dialog")) {
      event.target.blur();
      return;
    }
    if (isTyping(event.target) || document.querySelector("dialog[open] form, #keys[open]")) return;
    if (act(event)) event.preventDefault();
  });
})();
