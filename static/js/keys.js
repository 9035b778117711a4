// Keys for whoever lives in the list: they act on the lead of the page, or on the row in focus.
(function () {
  "use strict";

  var VERBS = { c: "call", n: "note", t: "task", b: "book", s: "move", a: "assign", z: "snooze", l: "close" };

  function isTyping(target) {
    return Boolean(target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]"));
  }

  var at = window.leadcrm.at;

  document.body.addEventListener("htmx:afterSettle", function () {
    var row = at.row();
    var link = row && at.opener(row); // none while its name is edited
    if (link && document.activeElement === document.body) link.focus({ preventScroll: true });
  });

  function move(step) {
    var all = at.rows();
    if (!all.length) return false;
    var here = all.indexOf(at.row());
    var row = all[here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + step, 0), all.length - 1)];
    at.opener(row).focus();
    row.scrollIntoView({ block: "nearest" });
    return true;
  }

  function open(path) {
    var address = at.lead();
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

  // The checkbox of the row, where the list has one.
  function select() {
    var row = at.row();
    var box = row && row.querySelector("input[type=checkbox][name=lead]");
    if (!box) return false;
    box.click();
    return true;
  }

  function act(event) {
    var key = event.key;
    if (key === "j" || key === "k") return move(key === "j" ? 1 : -1);
    var row = at.row();
    var own = row && row.querySelector('[data-key="' + CSS.escape(key) + '"]');
    if (own) {
      own.click();
      return true;
    }
    if (key === " ") return document.activeElement.closest(".row-link") ? open("") : false;
    if (key === "x") return select();
    if (key === "e" || key === "F2") return Boolean(window.leadcrm.cells) && window.leadcrm.cells.edit(at.row());
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
      event.preventDefault();
      if (!document.querySelector("#sheet[open] form")) window.leadcrm.palette.toggle();
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
