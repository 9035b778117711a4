// Announces what is new: to who looks by a note; with alerts turned on by a browser notification
// and a sound, also while the tab is in the background. One tab of the browser does it for all.
(function () {
  "use strict";

  var ALERTS = "alerts", SOUND = "alerts-sound", TOLD = "alerts-told";
  var bell = document.querySelector("[data-bell]");
  if (!bell) return;
  var speaks = !navigator.locks; // without locks, on a page without https, only those who look are told

  function load(name) {
    try { return localStorage.getItem(name) || ""; } catch { return ""; }
  }
  function save(name, value) {
    try { localStorage.setItem(name, value); } catch { /* storage is off: until the next page */ }
  }
  function isOn() {
    return load(ALERTS) === "1" && "Notification" in window && Notification.permission === "granted";
  }

  // The tab that speaks goes on asking in the background; all others rest while nobody looks.
  function settle() {
    bell.toggleAttribute("data-speaks", speaks && isOn());
  }
  if (navigator.locks) {
    navigator.locks.request("leadcrm-alerts", function () {
      speaks = true;
      settle();
      return new Promise(function () { /* held until the tab closes */ });
    });
  }
  settle();

  function beep() {
    if (load(SOUND) === "off" || !window.AudioContext) return;
    var audio = new AudioContext();
    var tone = audio.createOscillator(), volume = audio.createGain();
    tone.frequency.value = 880;
    volume.gain.setValueAtTime(0.15, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.5);
    tone.onended = function () { audio.close(); };
  }

  function alertOf(one) {
    var note = new Notification(one.getAttribute("data-title"), {
      body: one.getAttribute("data-body"),
      tag: one.getAttribute("data-alert")
    });
    note.onclick = function () {
      window.focus();
      location.assign(one.getAttribute("data-href"));
    };
  }

  function announceNew() {
    var told = Number(load(TOLD)), first = load(TOLD) === "";
    var fresh = Array.prototype.filter.call(bell.querySelectorAll("[data-alert]"), function (one) {
      return Number(one.getAttribute("data-at")) > told;
    });
    if (!fresh.length) {
      if (first) save(TOLD, String(Date.now()));
      return;
    }
    if (!first && isOn() && !speaks) return; // another tab says it
    if (!first && !isOn() && document.hidden) return;
    save(TOLD, fresh[0].getAttribute("data-at"));
    if (first) return;
    if (isOn()) {
      fresh.forEach(alertOf);
      beep();
    }
    if (!document.hidden) {
      var one = fresh[0];
      var text = one.getAttribute("data-title");
      if (one.getAttribute("data-body")) text += ": " + one.getAttribute("data-body");
      window.leadcrm.announce(text, { aside: true });
    }
  }

  // Where the session has ended the page stays, with what was typed into it: the next click signs in.
  bell.addEventListener("htmx:beforeOnLoad", function (event) {
    if (event.detail.xhr.getResponseHeader("HX-Redirect")) event.preventDefault();
  });

  document.body.addEventListener("htmx:afterSettle", function (event) {
    if (event.detail.target && event.detail.target.id === "bell-count") announceNew();
  });

  // A link to what a notification is about marks it as read, in whichever tab it opens.
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-read]");
    if (!link) return;
    var headers = JSON.parse(document.body.getAttribute("hx-headers"));
    headers["HX-Request"] = "true";
    fetch(link.getAttribute("data-read"), { method: "POST", headers: headers, keepalive: true });
  });

  var panel = document.querySelector("[data-alerts]");
  if (!panel) return;
  var state = panel.querySelector("[data-alerts-state]");
  var on = panel.querySelector("[data-alerts-on]");
  var off = panel.querySelector("[data-alerts-off]");
  var sound = panel.querySelector("[data-alerts-sound]");

  function show() {
    var able = "Notification" in window && window.isSecureContext;
    var denied = able && Notification.permission === "denied";
    state.textContent = !able ? "This browser can't: it needs https."
      : denied ? "This browser was told not to show alerts of this site. Allow them in its settings."
        : isOn() ? "Alerts are on." : "Alerts are off.";
    on.hidden = !able || denied || isOn();
    off.hidden = sound.hidden = !isOn();
    sound.setAttribute("aria-pressed", String(load(SOUND) !== "off"));
    sound.textContent = load(SOUND) === "off" ? "Sound is off" : "Sound is on";
    settle();
  }

  on.addEventListener("click", function () {
    Notification.requestPermission().then(function (answer) {
      if (answer === "granted") {
        save(ALERTS, "1");
        save(TOLD, String(Date.now()));
        beep();
      }
      show();
    });
  });
  off.addEventListener("click", function () { save(ALERTS, ""); show(); });
  sound.addEventListener("click", function () {
    save(SOUND, load(SOUND) === "off" ? "on" : "off");
    beep();
    show();
  });
  show();
})();
