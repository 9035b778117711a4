// The lead page beyond HTMX: values edited in place, numbers copied, what is typed kept over swaps.
(function () {
  "use strict";

  var kept = [];   // nodes that a swap would lose, with what is typed in them
  var opened = []; // ids of the details that stood open before a swap
  var next = "";   // what gets the focus after a swap

  function all(selector, within) {
    return Array.prototype.slice.call((within || document).querySelectorAll(selector));
  }

  function texts(form) {
    return all("input:not([type=hidden]):not([type=radio]), textarea", form);
  }

  function isDirty(form) {
    return texts(form).concat(all("select", form)).some(function (field) {
      if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
      var first = all("option", field).filter(function (one) { return one.defaultSelected; })[0];
      return field.value !== (first || field.options[0] || { value: field.value }).value;
    });
  }

  function rowOf(node) { return node.closest(".fact"); }

  function close(form) {
    var row = rowOf(form);
    form.remove();
    if (row) row.querySelector(".edit").focus();
  }

  // --- one value at a time, in place ---

  // Once HTMX knows the form: an Enter before that would leave the page.
  document.body.addEventListener("htmx:afterSettle", function (event) {
    var slot = event.target;
    if (!slot.classList || !slot.classList.contains("slot")) return;
    all(".slot form[data-in-place]").forEach(function (form) {
      if (slot.contains(form)) return;
      if (isDirty(form)) form.requestSubmit();
      else form.remove();
    });
    var field = slot.querySelector(
      "[aria-invalid=true], [data-in-place] :is(input:not([type=hidden]), select, textarea), [data-keep]");
    if (!field) return;
    field.focus();
    if (field.select) field.select();
  });

  document.addEventListener("keydown", function (event) {
    var form = event.target.closest("form[data-in-place], form[data-conflict]");
    if (event.key === "Escape" && form) {
      event.preventDefault();
      event.stopPropagation();
      if (form.hasAttribute("data-conflict")) form.querySelector("[data-keep]").click();
      else close(form);
    } else if (event.key === "Escape" && event.target.closest(".edit-line[open]")) {
      var line = event.target.closest(".edit-line");
      line.querySelector("form").reset();
      line.open = false;
      line.querySelector("summary").focus();
    } else if (event.key === "Enter" && form && event.target.tagName === "SELECT") {
      event.preventDefault();
      form.requestSubmit();
    }
  });

  document.addEventListener("toggle", function (event) {
    if (!event.target.matches || !event.target.matches(".edit-line[open]")) return;
    var field = event.target.querySelector("input:not([type=hidden])");
    field.focus();
    field.select();
  }, true);

  // --- what a swap must not lose ---

  document.body.addEventListener("htmx:beforeSwap", function (event) {
    var target = event.detail.target, source = event.detail.requestConfig.elt;
    if (target.id === "details" && rowOf(source)) next = "#" + rowOf(source).id + " .edit";
    opened = all("details[id][open]").map(function (one) { return one.id; });
    if (target.id === "panel") carryOver(target, source);
    if (target.id !== "lead" && target.id !== "details") return;
    all("#panel").concat(all(".fact")).forEach(function (node) {
      var field = node.querySelector("form[data-in-place]");
      var form = node.id === "panel" ? node.querySelector("form") : null;
      var holds = field || (form && isDirty(form));
      if (holds && target.contains(node) && !node.contains(source)) keep(node);
    });
  });

  function keep(node) {
    kept.push({ node: node, focus: node.contains(document.activeElement) && document.activeElement });
    node.replaceWith(document.createElement("div"));
  }

  document.body.addEventListener("htmx:afterSettle", function () {
    kept.splice(0).forEach(function (one) {
      var fresh = document.getElementById(one.node.id);
      if (fresh) fresh.replaceWith(one.node);
      if (fresh && one.focus) { one.focus.focus(); next = ""; }
    });
    opened.splice(0).forEach(function (id) {
      var one = document.getElementById(id);
      if (one) one.open = true;
    });
    if (next && document.querySelector(next)) document.querySelector(next).focus();
    next = "";
    showStage();
  });

  // From one tab of the composer to the next, the text goes along.
  function carryOver(panel, source) {
    var form = panel.querySelector("form");
    if (!form || form.contains(source)) return;
    var typed = all("textarea", form).map(function (one) { return one.value; }).filter(Boolean)[0];
    if (!typed) return;
    document.body.addEventListener("htmx:afterSettle", function () {
      var field = document.querySelector("#panel textarea");
      if (field && !field.value) field.value = typed;
    }, { once: true });
  }

  // --- calling with the log at hand ---

  document.addEventListener("click", function (event) {
    var cancel = event.target.closest("[data-cancel]");
    if (cancel && cancel.closest("[data-in-place]")) close(cancel.closest("[data-in-place]"));
    var outgoing = event.target.closest("[data-then]");
    var opener = outgoing && document.querySelector(
      'a[hx-get="' + outgoing.getAttribute("data-then") + '"]');
    if (opener) opener.click();
  });

  // --- a path of many stages shows the one that counts ---

  function showStage() {
    var path = document.querySelector(".path");
    var here = path && path.querySelector(".current");
    if (here) path.scrollLeft = here.offsetLeft - (path.clientWidth - here.clientWidth) / 2;
  }
  showStage();
})();
