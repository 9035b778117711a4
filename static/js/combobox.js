// A field with a listbox below it, which HTMX fills: arrow keys choose, Enter opens, Escape closes.
(function () {
  "use strict";

  // Those that show, or would if the list did.
  function optionsOf(list) {
    return Array.prototype.filter.call(list.querySelectorAll("[role=option]"), function (one) {
      return !one.hidden && !one.closest("[role=group][hidden]");
    });
  }

  // `how.first`: whether the first option is chosen by itself; `how.stays`: whether the list is always open.
  function combobox(field, list, how) {
    var active = null;

    function choose(option) {
      if (active) active.setAttribute("aria-selected", "false");
      active = option || null;
      if (!active) return field.removeAttribute("aria-activedescendant");
      active.setAttribute("aria-selected", "true");
      field.setAttribute("aria-activedescendant", active.id);
      active.scrollIntoView({ block: "nearest" });
    }

    function open(isOpen) {
      if (!how.stays) list.hidden = !isOpen;
      field.setAttribute("aria-expanded", String(isOpen));
      if (!isOpen) choose(null);
    }

    function refresh() {
      var found = optionsOf(list);
      open(found.length > 0);
      if (!found.includes(active)) choose(how.first ? found[0] : null);
    }

    function step(by) {
      var found = optionsOf(list), at = found.indexOf(active);
      if (list.hidden || !found.length) return;
      if (at < 0) at = by > 0 ? 0 : found.length - 1;
      else at = (at + by + found.length) % found.length;
      choose(found[at]);
    }

    field.addEventListener("keydown", function (event) {
      if (event.isComposing) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden && list.firstElementChild) return refresh();
        step(event.key === "ArrowDown" ? 1 : -1);
      } else if (event.key === "Enter" && active && !list.hidden) {
        event.preventDefault();
        active.dispatchEvent(new MouseEvent("click", {
          bubbles: true, cancelable: true, ctrlKey: event.ctrlKey, metaKey: event.metaKey, shiftKey: event.shiftKey,
        }));
      } else if (event.key === "Escape" && !how.stays && !list.hidden) {
        event.preventDefault();
        event.stopPropagation();
        window.htmx.trigger(field, "htmx:abort");
        open(false);
      }
    });

    // The focus stays in the field, whatever is clicked.
    list.addEventListener("mousedown", function (event) { event.preventDefault(); });

    return { refresh: refresh, open: open, choose: choose };
  }
  window.leadcrm.combobox = combobox;

  document.querySelectorAll("form[data-combobox]").forEach(function (form) {
    var field = form.querySelector("[role=combobox]"), list = form.querySelector("[role=listbox]");
    var status = form.querySelector("[role=status]");
    var box = combobox(field, list, {});
    list.addEventListener("htmx:afterSwap", function () {
      if (document.activeElement !== field || !field.value.trim()) return box.open(false);
      box.refresh();
      status.textContent = list.querySelector("[role=group]:last-child").textContent.trim() + ", " +
        (optionsOf(list).length - 1) + " shown";
    });
    field.addEventListener("input", function () { if (!field.value.trim()) box.open(false); });
    form.addEventListener("focusout", function (event) {
      if (!form.contains(event.relatedTarget)) box.open(false);
    });
  });
})();
