// The order of columns: a column moves in the menu at once, and is kept with “Show these”.
(function () {
  "use strict";

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-columns] button");
    if (!button) return;
    event.preventDefault();
    var column = button.parentElement, up = button.name === "up";
    var other = up ? column.previousElementSibling : column.nextElementSibling;
    if (!other || !other.classList.contains("column-choice")) return;
    column.parentElement.insertBefore(column, up ? other : other.nextElementSibling);
    column.querySelector("input").checked = true;
    button.focus();
    if (document.activeElement !== button) column.querySelector("input").focus();
  });
})();
