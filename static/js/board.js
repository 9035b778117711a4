// The board: cards are dragged to a stage, or walked by arrow keys; the verbs are those of the lead page.
(function () {
  "use strict";

  var dragged = null; // the card under the pointer
  var moving = null; // what is being asked of the server: { id, path, from }
  var reasons = {}; // why a card came back, by its id

  function all(selector) {
    return Array.prototype.slice.call(document.querySelectorAll(selector));
  }

  function columnOf(card) {
    return card.closest(".board-column");
  }

  // By due time, those without one last; then the newest first.
  function comesBefore(one, other) {
    var mine = one.dataset.due, theirs = other.dataset.due;
    if (mine !== theirs) return mine && (!theirs || Number(mine) < Number(theirs));
    return Number(one.dataset.created) > Number(other.dataset.created);
  }

  function place(card, column) {
    var list = column.querySelector(".cards");
    var others = Array.prototype.filter.call(list.querySelectorAll(".lead-card"), function (one) { return one !== card; });
    var next = others.find(function (one) { return comesBefore(card, one); });
    list.insertBefore(card, next || list.querySelector(".more-cards"));
  }

  function leadsTo(card, zone) {
    if (!zone.dataset.key) return true; // an open lead can always be closed or put aside
    return columnOf(card).dataset.ahead.split(" ").indexOf(zone.dataset.key) >= 0;
  }

  document.addEventListener("dragstart", function (event) {
    var card = event.target.closest ? event.target.closest(".lead-card[draggable=true]") : null;
    if (!card) return;
    dragged = card;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", card.querySelector(".row-link").textContent);
    // Later: what is shown at once can end the drag under the pointer.
    setTimeout(function () {
      if (!dragged) return;
      document.body.classList.add("is-dragging");
      dragged.classList.add("is-dragged");
      all("[data-drop]").forEach(function (zone) {
        zone.classList.toggle("is-illegal", zone !== columnOf(card) && !leadsTo(card, zone));
      });
    });
  });

  function zoneUnder(event) {
    var zone = dragged && event.target.closest ? event.target.closest("[data-drop]") : null;
    return zone && zone !== columnOf(dragged) ? zone : null;
  }

  document.addEventListener("dragover", function (event) {
    var zone = zoneUnder(event);
    all(".is-over").forEach(function (one) { if (one !== zone) one.classList.remove("is-over"); });
    if (!zone || !leadsTo(dragged, zone)) return;
    event.preventDefault();
    zone.classList.add("is-over");
  });

  function endDrag() {
    if (dragged) dragged.classList.remove("is-dragged");
    dragged = null;
    document.body.classList.remove("is-dragging");
    all("[data-drop]").forEach(function (zone) { zone.classList.remove("is-illegal", "is-over"); });
  }

  document.addEventListener("drop", function (event) {
    var zone = zoneUnder(event), card = dragged;
    if (!card) return;
    event.preventDefault();
    endDrag();
    if (zone && leadsTo(card, zone)) drop(card, zone);
  });
  document.addEventListener("dragend", endDrag);

  function drop(card, zone) {
    var path = card.dataset.lead + zone.dataset.verb + "/";
    moving = { id: card.id, path: path, from: columnOf(card), reasons: zone.dataset.reasons };
    delete reasons[card.id];
    clearReason(card);
    card.querySelector(".row-link").focus({ preventScroll: true });
    if (zone.dataset.verb !== "move") {
      window.htmx.ajax("GET", path, { target: "#sheet-body", swap: "innerHTML" });
      return;
    }
    place(card, zone);
    card.classList.add("is-moving");
    window.htmx.ajax("POST", path, { values: { stage: zone.dataset.key }, swap: "none" });
  }

  // Dropped on one kind of closing: the form offers its reasons alone.
  document.body.addEventListener("htmx:afterSwap", function (event) {
    if (event.target.id !== "sheet-body" || !moving || !moving.reasons) return;
    all("#sheet-body select[name=reason] optgroup").forEach(function (group) {
      if (group.label !== moving.reasons) group.remove();
    });
    moving.reasons = "";
  });

  function clearReason(card) {
    var told = card.querySelector(".k-refused");
    if (told) told.remove();
  }

  function showReason(card) {
    clearReason(card);
    if (!reasons[card.id]) return;
    var told = document.createElement("p");
    told.className = "k-refused";
    told.setAttribute("role", "alert");
    told.textContent = reasons[card.id];
    card.append(told);
  }

  document.body.addEventListener("refused", function (event) {
    reasons["card-" + event.detail.lead] = event.detail.text;
  });

  // No answer, or one that is none: the card goes back to where it was.
  document.body.addEventListener("htmx:afterRequest", function (event) {
    var asked = event.detail.requestConfig;
    if (!moving || !asked || asked.path !== moving.path || asked.verb !== "post") return;
    var card = document.getElementById(moving.id), from = moving.from;
    if (event.detail.successful) {
      moving = null;
      return;
    }
    if (card) {
      var answer = event.detail.xhr, type = answer.getResponseHeader("Content-Type") || "";
      reasons[card.id] = type.indexOf("text/plain") === 0 ? answer.responseText : "It couldn't be moved. Try again.";
      card.classList.remove("is-moving");
      place(card, from);
      showReason(card);
    }
    moving = null;
  });

  // A card that was read anew stands where its lead is now.
  document.body.addEventListener("htmx:load", function (event) {
    var card = event.detail.elt;
    if (!card.classList || !card.classList.contains("lead-card")) return;
    var column = document.querySelector(".board-column[data-stage='" + card.dataset.stage + "']");
    var hadFocus = card.contains(document.activeElement) || document.activeElement === document.body;
    if (column) place(card, column);
    else card.remove();
    showReason(card);
    delete reasons[card.id];
    if (column && hadFocus) card.querySelector(".row-link").focus({ preventScroll: true });
  });

  // A click previews; Enter, and a click for a new tab, open the lead.
  document.addEventListener("click", function (event) {
    var link = event.target.closest(".lead-card .row-link");
    if (!link || event.detail === 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    window.htmx.ajax("GET", link.closest(".lead-card").dataset.lead, { target: "#sheet-body", swap: "innerHTML" });
  });

  function beside(card, step) {
    var columns = all(".board-column"), at = columns.indexOf(columnOf(card));
    var row = Array.prototype.indexOf.call(columnOf(card).querySelectorAll(".lead-card"), card);
    for (at += step; columns[at]; at += step) {
      var cards = columns[at].querySelectorAll(".lead-card");
      if (cards.length) return cards[Math.min(row, cards.length - 1)];
    }
    return null;
  }

  function above(card, step) {
    var cards = Array.prototype.slice.call(columnOf(card).querySelectorAll(".lead-card"));
    return cards[cards.indexOf(card) + step];
  }

  document.addEventListener("keydown", function (event) {
    var card = event.target.closest(".lead-card");
    if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
    var next = {
      ArrowLeft: function () { return beside(card, -1); },
      ArrowRight: function () { return beside(card, 1); },
      ArrowUp: function () { return above(card, -1); },
      ArrowDown: function () { return above(card, 1); },
    }[event.key];
    if (!next) return;
    event.preventDefault();
    var to = next();
    if (!to) return;
    to.querySelector(".row-link").focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  // On a phone: which stage is in sight.
  function watch() {
    var tabs = all(".board-tabs a");
    if (!tabs.length || !window.IntersectionObserver) return;
    var seen = new IntersectionObserver(
      function (entries) {
        entries.forEach(function (entry) {
          if (!entry.isIntersecting) return;
          tabs.forEach(function (tab) {
            if (tab.hash === "#" + entry.target.id) tab.setAttribute("aria-current", "true");
            else tab.removeAttribute("aria-current");
          });
        });
      },
      { root: document.getElementById("board"), threshold: 0.6 },
    );
    all(".board-column").forEach(function (column) { seen.observe(column); });
  }
  watch();
  document.body.addEventListener("htmx:afterSettle", function (event) {
    if (event.detail.target && /^(list|leads)$/.test(event.detail.target.id)) watch();
  });
})();
