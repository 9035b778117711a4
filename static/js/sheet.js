// The sheet: a dialog over the page. What HTMX puts into it opens it; a verb that is done closes it.
(function () {
  "use strict";

  var sheet = document.getElementById("sheet");
  var body = document.getElementById("sheet-body");
  var warned = false;

  function hasInput() {
    return Array.prototype.some.call(body.querySelectorAll("textarea, input[type=text]"), function (field) {
      return field.value !== field.defaultValue;
    });
  }

  function close(dialog) {
    dialog.close();
    if (dialog === sheet) body.replaceChildren();
  }

  // What was typed is not lost by one key: the first asks, the second leaves.
  function leave(dialog) {
    if (dialog === sheet && hasInput() && !warned) {
      warned = true;
      window.leadcrm.announce("You have typed something. Once more to discard it.", { failed: true });
      return;
    }
    close(dialog);
  }

  function firstField() {
    return (
      body.querySelector("[aria-invalid=true]:not(fieldset), fieldset[aria-invalid=true] input") ||
      body.querySelector("[role=alert] button") ||
      body.querySelector("[autofocus]") ||
      body.querySelector(".sheet-main input:not([type=hidden]), .sheet-main select, .sheet-main textarea") ||
      body.querySelector(".sheet-main a, .sheet-main button, .sheet-foot a")
    );
  }

  document.body.addEventListener("htmx:afterSwap", function (event) {
    if (event.target.id !== "sheet-body" || !body.firstElementChild) return;
    warned = false;
    if (!sheet.open) sheet.showModal();
    var field = firstField();
    if (field) field.focus();
  });

  // Not at once: the form raises further events, which would not leave a page without it.
  document.body.addEventListener("sheet-done", function () {
    setTimeout(function () { if (sheet.open) close(sheet); });
  });

  document.addEventListener("click", function (event) {
    var dialog = event.target.closest("dialog");
    if (!dialog) return;
    // A form that downloads leaves the page where it is.
    if (event.target.closest("[data-close-after]")) setTimeout(function () { close(dialog); });
    if (event.target === dialog || event.target.closest("[data-close]")) leave(dialog);
  });

  document.addEventListener(
    "cancel",
    function (event) {
      event.preventDefault();
      leave(event.target);
    },
    true,
  );
})();
