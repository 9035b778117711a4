// Where the reader is: the rows of leads on a page, the one in focus, and the lead that all is about.
(function () {
  "use strict";

  var ROWS = "main [data-lead], main [data-row]"; // of leads, cards among them, or of pairs of them

  // The link or button that stands for a row.
  function opener(row) {
    return row.querySelector(".row-link, .row-open");
  }

  function rows() {
    return Array.prototype.filter.call(document.querySelectorAll(ROWS), function (one) {
      return opener(one) && one.id !== "lead";
    });
  }

  // A row that was read anew has lost the focus; it is still where the reader was.
  var last = "";

  function row() {
    var focused = document.activeElement;
    var holder = focused && focused.closest(ROWS);
    var found = holder && holder.id !== "lead" ? holder : null;
    if (found) last = found.id;
    return found || (focused === document.body && last ? document.getElementById(last) : null);
  }

  // The address of the lead that a key or command is about: of the sheet, of the page, or of the row.
  function lead() {
    var sheet = document.querySelector("#sheet[open] [data-lead]");
    var holder = sheet || document.getElementById("lead") || row() || rows()[0];
    return holder ? holder.dataset.lead || "" : "";
  }

  document.addEventListener("focusin", row);

  window.leadcrm.at = { rows: rows, row: row, opener: opener, lead: lead };
})();
