// Cells of the list edited in place: double click, F2 or e opens one, Tab goes on, Enter saves, Escape leaves it.
(function () {
  "use strict";

  var DOUBLE = 250; // milliseconds in which a second click comes
  var open = null;  // { cell, column, row, before }: the cell that is edited
  var next = null;  // { row, column } to open once this one is saved
  var column = "";  // the one edited last
  var opening;

  function columnsOf(row) {
    var table = row.closest("table[data-cells]");
    if (!table || !row.hasAttribute("data-edit")) return [];
    return table.dataset.cells.split(" ").filter(function (key) { return key && cellOf(row, key); });
  }

  function cellOf(row, key) { return row.querySelector("td.c-" + key); }

  function columnOf(cell) {
    return columnsOf(cell.parentElement).filter(function (key) { return cell.classList.contains("c-" + key); })[0] || "";
  }

  function edit(row, key) {
    var keys = row ? columnsOf(row) : [];
    if (!keys.length) return false;
    var wanted = keys.includes(key) ? key : keys.includes(column) ? column : keys[0];
    restore();
    var cell = cellOf(row, wanted);
    open = { cell: cell, column: wanted, row: row.id, before: Array.from(cell.childNodes), typed: "", left: false, ready: false };
    column = wanted;
    window.htmx.ajax("GET", row.dataset.lead + "cell/" + wanted + "/", { target: cell, swap: "innerHTML" }).then(came, came);
    return true;
  }

  function isAwaited() { return open && !open.ready; }

  // Without a form, as where the lead was closed meanwhile, nothing is open.
  function came() { setTimeout(function () { if (open && !open.cell.querySelector("form")) open = null; }); }

  // What is typed before the form is there goes into it.
  document.addEventListener("keydown", function (event) {
    if (!isAwaited() || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.key === "Escape") open.left = true;
    else if (event.key.length === 1) open.typed += event.key;
  }, true);

  // The cell as it was.
  function restore() {
    if (!open) return;
    if (open.cell.isConnected && open.cell.querySelector("form")) {
      open.cell.replaceChildren.apply(open.cell, open.before);
      window.htmx.process(open.cell);
    }
    open = null;
  }

  function leave() {
    var row = open && document.getElementById(open.row);
    restore();
    if (row) row.querySelector(".row-link").focus({ preventScroll: true });
  }

  function fields(form) {
    return Array.from(form.querySelectorAll("input:not([type=hidden]), select, textarea"));
  }

  function isDirty(form) {
    return form.classList.contains("conflict") || fields(form).some(function (field) {
      if (field.type === "checkbox") return field.checked !== field.defaultChecked;
      var seen = form.querySelector('[name="base-' + field.name + '"]');
      return field.value !== (seen ? seen.value : field.defaultValue);
    });
  }

  function neighbour(by) {
    var row = document.getElementById(open.row), keys = columnsOf(row);
    var at = keys.indexOf(open.column) + by;
    if (keys[at]) return { row: row.id, column: keys[at] };
    var rows = Array.from(row.parentElement.querySelectorAll("tr[data-edit]"));
    var other = rows[rows.indexOf(row) + by];
    if (!other) return null;
    var theirs = columnsOf(other);
    return { row: other.id, column: by > 0 ? theirs[0] : theirs[theirs.length - 1] };
  }

  function goOn() {
    var to = next;
    next = null;
    var row = to && document.getElementById(to.row);
    if (row) edit(row, to.column);
    return Boolean(row);
  }

  function save(form) {
    if (isDirty(form)) form.requestSubmit();
    else if (next) goOn();
    else leave();
  }

  document.addEventListener("keydown", function (event) {
    var form = event.target.closest("form[data-cell]");
    if (!form || event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (form.classList.contains("conflict")) return form.querySelector("[data-theirs]").click();
      leave();
    } else if (event.key === "Enter" && event.target.matches("input, select")) {
      event.preventDefault();
      next = null;
      save(form);
    } else if (event.key === "Tab" && !form.classList.contains("conflict")) {
      var all = fields(form), edge = event.shiftKey ? all[0] : all[all.length - 1];
      if (event.target !== edge || !open) return;
      event.preventDefault();
      next = neighbour(event.shiftKey ? -1 : 1);
      save(form);
    }
  }, true);

  document.body.addEventListener("htmx:afterSettle", function (event) {
    var cell = event.target;
    if (cell.querySelector("form[data-cell]") && cell.matches("td") && !(open && cell === open.cell)) {
      // Another one was opened meanwhile.
      window.htmx.trigger(document.body, "changed-" + cell.parentElement.id.replace("row-", ""));
    }
    if (open && cell === open.cell) {
      var field = cell.querySelector("[aria-invalid=true], form[data-cell] :is(input:not([type=hidden]), select, textarea), [data-theirs]");
      if (!field) return;
      field.focus();
      open.ready = true;
      if (open.left) return leave();
      if (field.select) field.select();
      if (open.typed && field.matches("input:not([type=checkbox], [type=date])")) field.value = open.typed;
      open.typed = "";
    }
  });

  // A row that was saved has read itself anew: on to the next cell of it, or back to the row.
  document.body.addEventListener("htmx:afterSwap", function (event) {
    var row = open && event.detail.elt && event.detail.elt.id === open.row && document.getElementById(open.row);
    if (!row) return;
    open = null;
    setTimeout(function () {
      if (!goOn()) row.querySelector(".row-link").focus({ preventScroll: true });
    });
  });

  document.body.addEventListener("htmx:afterRequest", function (event) {
    if (event.target.matches("form[data-cell]") && event.detail.xhr.status !== 204) next = null;
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-theirs]") && open) {
      next = null;
      window.htmx.trigger(document.body, "changed-" + open.row.replace("row-", ""));
    }
  });

  // A row's link lies over its cells: which one is meant is told by the place.
  function cellAt(event) {
    var cell = document.elementsFromPoint(event.clientX, event.clientY).filter(function (one) {
      return one.matches("table[data-cells] tr[data-edit] > td");
    })[0];
    return cell && columnOf(cell) ? cell : null;
  }

  function isOnText(link, event) {
    return Array.from(link.getClientRects()).some(function (box) {
      return event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    });
  }

  // A click on an editable cell opens the lead a moment later: it may be the first of two.
  document.addEventListener("click", function (event) {
    var link = event.target.closest("table[data-cells] .row-link");
    if (!link || !event.detail || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (isOnText(link, event) || !cellAt(event) || !window.matchMedia("(hover: hover)").matches) return;
    event.preventDefault();
    clearTimeout(opening);
    if (event.detail === 1) opening = setTimeout(function () { location.assign(link.href); }, DOUBLE);
  });

  document.addEventListener("dblclick", function (event) {
    if (event.target.closest("form[data-cell], .over")) return;
    var cell = cellAt(event);
    if (!cell) return;
    clearTimeout(opening);
    event.preventDefault();
    window.getSelection().removeAllRanges();
    edit(cell.parentElement, columnOf(cell));
  });

  window.leadcrm.cells = { edit: edit };
})();
