// Ticking leads in the list: how many, a stretch with Shift, all of the list; what to do with them.
(function () {
  "use strict";

  var last = null;

  function bar() { return document.getElementById("selection"); }
  function boxes() { return Array.prototype.slice.call(document.querySelectorAll("input[name=lead]")); }

  function show() {
    var form = bar();
    if (!form) return;
    var all = boxes(), ticked = all.filter(function (box) { return box.checked; });
    var head = document.querySelector("[data-tick-all]");
    var every = form.querySelector("[data-select-all]");
    var whole = form.querySelector("[data-all]").value === "1";
    if (whole && ticked.length < all.length) {
      form.querySelector("[data-all]").value = "";
      whole = false;
    }
    form.classList.toggle("active", ticked.length > 0);
    form.querySelector("[data-count]").textContent =
      whole && every ? every.textContent.replace("Select all", "All") + " selected" : ticked.length + " selected";
    if (every) every.hidden = whole || !all.length || ticked.length < all.length;
    if (head) {
      head.checked = ticked.length > 0 && ticked.length === all.length;
      head.indeterminate = ticked.length > 0 && !head.checked;
    }
  }

  function tick(list, on) { list.forEach(function (box) { box.checked = on; }); }

  function clear() {
    tick(boxes(), false);
    if (bar()) bar().querySelector("[data-all]").value = "";
    show();
  }

  document.addEventListener("click", function (event) {
    var box = event.target.closest("input[name=lead]");
    if (box) {
      var all = boxes(), from = all.indexOf(last), to = all.indexOf(box);
      if (event.shiftKey && from >= 0) tick(all.slice(Math.min(from, to), Math.max(from, to) + 1), box.checked);
      last = box;
    }
    if (event.target.closest("[data-select-all]")) bar().querySelector("[data-all]").value = "1";
    if (event.target.closest("[data-clear]")) {
      event.preventDefault();
      clear();
      return;
    }
    if (box || event.target.closest("[data-select-all]")) show();
  });

  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-tick-all]")) tick(boxes(), event.target.checked);
    if (event.target.matches("[data-tick-all], input[name=lead]")) show();
  });

  // A row that reads itself anew stays ticked.
  var kept = [];
  document.body.addEventListener("htmx:beforeSwap", function (event) {
    var row = event.detail.target;
    var box = row.matches("tr[data-lead]") && row.querySelector("input[name=lead]");
    if (box && box.checked) kept.push(row.id);
  });
  document.body.addEventListener("htmx:afterSettle", function () {
    kept.splice(0).forEach(function (id) {
      var row = document.getElementById(id);
      var box = row && row.querySelector("input[name=lead]");
      if (box) box.checked = true;
    });
  });

  document.body.addEventListener("sheet-done", clear);
  document.body.addEventListener("htmx:afterSettle", show);
  window.addEventListener("pageshow", show);
})();
