/*
 * <script src="https://HOST/f/KEY/embed.js" async></script>
 *
 * Shows the form where the script stands. With data-form="#selector" it shows nothing and sends a
 * copy of what that form of the page sends; the page's own handling goes on as before.
 *
 * Keeps first and last touch, and what could not be sent yet, in the site's own localStorage.
 * data-storage="none"   keeps nothing in the browser: no first touch, no resend after a page change
 * data-consent="…"      the consent to report; or set window.leadcrmConsent to an object or function
 *
 * Fires "leadcrm:sent" on the form once the submission is stored.
 */
(() => {
  "use strict";

  const script = document.currentScript || document.querySelector('script[src*="/f/"][src*="/embed.js"]');
  if (!script) return;
  const endpoint = new URL(".", script.src).href;
  const options = script.dataset;

  const UTM = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"];
  const CLICK_IDS = ["gclid", "gbraid", "wbraid", "fbclid", "msclkid"];
  const HONEYPOT = "website_confirm";
  const PRIVATE_NAME = /csrf|xsrf|token|nonce|captcha|passw|card|cvc|cvv|^_/i;
  const HUMAN_PACE = 3200; // ms; what is sent sooner looks like a machine's doing
  const TOUCH_DAYS = 90;
  const PENDING_DAYS = 3;
  const KEEPALIVE_LIMIT = 60000;

  /* --- what the browser remembers --- */

  const memory = {};
  const storage = {
    read(name) {
      try {
        return JSON.parse(options.storage === "none" ? memory[name] : localStorage.getItem(name)) || null;
      } catch {
        return null;
      }
    },
    write(name, value) {
      try {
        if (options.storage === "none") memory[name] = JSON.stringify(value);
        else localStorage.setItem(name, JSON.stringify(value));
      } catch {
        memory[name] = null;
      }
    },
  };
  // Our own host shows the forms of many sites: what one learned is no other's business.
  const touchName = options.hosted ? `leadcrm.touch.${endpoint}` : "leadcrm.touch";
  const pendingName = `leadcrm.pending.${endpoint}`;

  const fresh = (at, days) => Date.now() - Date.parse(at) < days * 86400000;

  function cookie(name) {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : undefined;
  }

  /* --- first and last touch --- */

  function thisTouch() {
    const given = new URLSearchParams(location.search);
    const touch = { at: new Date().toISOString(), landing_page: location.href };
    let isNew = false;
    for (const name of [...UTM, ...CLICK_IDS]) {
      const value = given.get(name);
      if (value) {
        touch[name] = value;
        isNew = true;
      }
    }
    if (document.referrer && hostOf(document.referrer) !== location.host) {
      touch.referrer = document.referrer;
      isNew = true;
    }
    return { touch, isNew };
  }

  function hostOf(address) {
    try {
      return new URL(address).host;
    } catch {
      return "";
    }
  }

  function rememberTouches() {
    const known = storage.read(touchName) || {};
    const { touch, isNew } = thisTouch();
    if (!known.first || !fresh(known.first.at, TOUCH_DAYS)) known.first = touch;
    if (isNew || !known.last || !fresh(known.last.at, TOUCH_DAYS)) known.last = touch;
    storage.write(touchName, known);
    return known;
  }

  const touches = rememberTouches();

  /* --- what is sent --- */

  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  // An emoji that a length limit cut in half is no text any more.
  const wellFormed = (text) => decoder.decode(encoder.encode(text)).replace(/\0/g, "");

  function uuid() {
    if (crypto.randomUUID) return crypto.randomUUID();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  function consent() {
    const given = typeof window.leadcrmConsent === "function" ? window.leadcrmConsent() : window.leadcrmConsent;
    if (given && typeof given === "object") return given;
    const state = given || options.consent;
    return state ? { state: String(state) } : undefined;
  }

  function visit() {
    let timeZone;
    try {
      timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    } catch {
      timeZone = undefined;
    }
    return {
      page_url: location.href,
      page_title: wellFormed(document.title),
      first_touch: touches.first,
      last_touch: touches.last,
      fbp: cookie("_fbp"),
      fbc: cookie("_fbc"),
      time_zone: timeZone,
      consent: consent(),
    };
  }

  function valuesOf(form, isOurs) {
    const fields = {};
    for (const [name, value] of new FormData(form)) {
      if (typeof value !== "string" || (!isOurs && isPrivate(form, name))) continue;
      const text = wellFormed(value);
      if (name in fields) fields[name] = [].concat(fields[name], text);
      else fields[name] = text;
    }
    return fields;
  }

  function isPrivate(form, name) {
    const control = [...form.elements].find((one) => one.name === name);
    const filledBy = (control && control.getAttribute("autocomplete")) || "";
    return PRIVATE_NAME.test(name) || (control && control.type === "password") || filledBy.startsWith("cc-");
  }

  function labelsOf(form) {
    const labels = {};
    for (const control of form.elements) {
      const isChoice = control.type === "radio" || control.type === "checkbox";
      const legend = isChoice && control.closest("fieldset") && control.closest("fieldset").querySelector("legend");
      const label = legend || (control.labels && control.labels[0]);
      const text = label ? label.textContent : control.getAttribute("aria-label") || control.placeholder;
      if (control.name && text && text.trim()) labels[control.name] = wellFormed(text.replace(/\s+/g, " ").trim()).slice(0, 200);
    }
    return labels;
  }

  const plain = (body, keepalive) => ({
    method: "POST",
    mode: "cors",
    credentials: "omit",
    // As plain text it needs no preflight, which a page that is being left would not wait for.
    headers: { "Content-Type": "text/plain;charset=UTF-8" },
    keepalive,
    body,
  });

  /** Resolves to "sent", "refused" (sending again is no use) or "later". */
  async function post(body) {
    try {
      const response = await fetch(endpoint, plain(body, encoder.encode(body).length < KEEPALIVE_LIMIT));
      if (response.ok) return "sent";
      const retry = response.status >= 500 || response.status === 429 || response.status === 408;
      if (!retry) console.error("leadcrm:", (await response.json().catch(() => ({}))).error || response.status);
      return retry ? "later" : "refused";
    } catch {
      return "later";
    }
  }

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  async function postWithRetries(body) {
    let outcome = "later";
    for (const wait of [0, 1000, 2000, 4000, 8000]) {
      await pause(wait);
      outcome = await post(body);
      if (outcome !== "later") return outcome;
    }
    return outcome;
  }

  /* --- submissions that a page change may cut off --- */

  function keepPending(id, body) {
    const waiting = storage.read(pendingName) || {};
    waiting[id] = { at: new Date().toISOString(), body };
    storage.write(pendingName, waiting);
  }

  function forgetPending(id) {
    const waiting = storage.read(pendingName) || {};
    delete waiting[id];
    storage.write(pendingName, waiting);
  }

  async function resendPending() {
    for (const [id, { at, body }] of Object.entries(storage.read(pendingName) || {})) {
      if (!fresh(at, PENDING_DAYS) || (await post(body)) !== "later") forgetPending(id);
    }
  }

  /* --- a form of the page's own --- */

  function attach(selector) {
    let token;
    let shownAt;
    loadConfig().then((config) => {
      token = config.render_token;
      shownAt = performance.now();
    }, explain);
    let last = {};
    // On the window and before the page's own handlers, so that none of them can keep it from us.
    window.addEventListener(
      "submit",
      (event) => {
        const form = event.target;
        if (!(form instanceof HTMLFormElement) || !form.matches(selector)) return;
        const fields = valuesOf(form, false);
        const content = JSON.stringify(fields);
        if (last.content !== content) last = { content, id: uuid() };
        const known = performance.now() - shownAt > HUMAN_PACE ? token : undefined;
        const body = JSON.stringify({ submission_id: last.id, render_token: known, ...visit(), fields, labels: labelsOf(form) });
        const id = last.id;
        keepPending(id, body);
        post(body).then((outcome) => {
          if (outcome !== "later") forgetPending(id);
          if (outcome === "sent") form.dispatchEvent(new CustomEvent("leadcrm:sent", { bubbles: true }));
        });
      },
      true,
    );
  }

  /* --- our own form --- */

  async function loadConfig() {
    let problem;
    for (const wait of [0, 1000, 3000]) {
      await pause(wait);
      try {
        const response = await fetch(`${endpoint}config`, { mode: "cors", credentials: "omit" });
        if (response.ok) return await response.json();
        problem = new Error(`the form answered ${response.status}`);
        if (response.status < 500) break;
      } catch (error) {
        problem = error;
      }
    }
    throw problem;
  }

  function explain(problem) {
    console.error(
      `leadcrm: the form at ${endpoint} can't be loaded (${problem.message}). ` +
        `Is ${location.origin} among its allowed sites, and is the form active?`,
    );
  }

  function make(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === false || value === undefined || value === "") continue;
      if (name in node && name !== "list") node[name] = value;
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children);
    return node;
  }

  let made = 0;

  function labelled(field, control) {
    control.id = `leadcrm-${++made}-${field.name.replace(/\W/g, "")}`;
    const text = field.label + (field.required ? " (required)" : "");
    const error = make("p", { className: "leadcrm-error", id: `${control.id}-error`, hidden: true });
    return make("div", { className: "leadcrm-field" }, make("label", { htmlFor: control.id }, text), control, error);
  }

  // Browsers know “one of these” for round buttons only.
  function needOne(boxes) {
    const check = () => boxes[0].setCustomValidity(boxes.some((one) => one.checked) ? "" : "Please choose at least one.");
    boxes.forEach((one) => one.addEventListener("change", check));
    check();
  }

  function choices(field) {
    const legend = field.label + (field.required ? " (required)" : "");
    const items = field.options.map((option) => {
      const required = field.required && field.type === "radio";
      const input = make("input", { type: field.type, name: field.name, value: option, required });
      return make("label", { className: "leadcrm-option" }, input, ` ${option}`);
    });
    const inputs = items.map((one) => one.firstChild);
    if (field.required && field.type === "checkbox") needOne(inputs);
    inputs[0].id = `leadcrm-${++made}-${field.name.replace(/\W/g, "")}`;
    const error = make("p", { className: "leadcrm-error", id: `${inputs[0].id}-error`, hidden: true });
    return make("fieldset", { className: "leadcrm-field" }, make("legend", {}, legend), ...items, error);
  }

  function control(field) {
    const { name, type, required, autocomplete, step, inputmode } = field;
    if ((type === "radio" || type === "checkbox") && field.options.length) return choices(field);
    if (type === "checkbox") {
      const box = make("input", { type, name, value: "yes", required });
      const wrapped = labelled(field, box);
      wrapped.classList.add("leadcrm-single");
      return wrapped;
    }
    if (type === "textarea") return labelled(field, make("textarea", { name, required, rows: 5 }));
    if (type === "select") {
      const first = make("option", { value: "" }, "Please choose");
      first.value = "";
      return labelled(field, make("select", { name, required }, first, ...field.options.map((one) => make("option", {}, one))));
    }
    return labelled(field, make("input", { name, type: type === "radio" ? "text" : type, required, autocomplete, step, inputMode: inputmode }));
  }

  function honeypot() {
    const input = make("input", { type: "text", name: HONEYPOT, tabIndex: -1, autocomplete: "off" });
    const box = make("div", { "aria-hidden": "true" }, make("label", {}, "Leave this empty ", input));
    Object.assign(box.style, { position: "absolute", left: "-10000px", width: "1px", height: "1px", overflow: "hidden" });
    return box;
  }

  function dress() {
    if (!("adoptedStyleSheets" in document)) return;
    const sheet = new CSSStyleSheet(); // allowed by a page's style-src, unlike a style element
    sheet.replaceSync(`
      :where(.leadcrm-form) { max-width: 34rem; }
      :where(.leadcrm-form .leadcrm-field) { margin: 0 0 1rem; padding: 0; border: 0; }
      :where(.leadcrm-form label, .leadcrm-form legend) { display: block; font-weight: 600; }
      :where(.leadcrm-form .leadcrm-option) { font-weight: 400; }
      :where(.leadcrm-form .leadcrm-single) { display: flex; flex-direction: row-reverse; justify-content: flex-end; gap: .5rem; align-items: baseline; }
      :where(.leadcrm-form input:not([type=checkbox], [type=radio]), .leadcrm-form select, .leadcrm-form textarea) {
        box-sizing: border-box; width: 100%; margin-top: .25rem; padding: .5rem .65rem; font: inherit; border: 1px solid #767676; border-radius: 6px; }
      :where(.leadcrm-form [aria-invalid=true]) { border-color: #b3261e; }
      :where(.leadcrm-form .leadcrm-error) { margin: .25rem 0 0; color: #b3261e; }
      :where(.leadcrm-form button) { padding: .6rem 1.5rem; font: inherit; font-weight: 600; color: #fff; background: #14599d; border: 0; border-radius: 6px; cursor: pointer; }
      :where(.leadcrm-form button[disabled]) { opacity: .6; }
    `);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }

  function problemsOf(form) {
    const bad = [];
    for (const one of form.elements) {
      const error = one.id && document.getElementById(`${one.id}-error`);
      const isBad = one.willValidate && !one.checkValidity();
      if (isBad) bad.push(one);
      if (!error) continue;
      error.hidden = !isBad;
      error.textContent = isBad ? one.validationMessage : "";
      if (isBad) {
        one.setAttribute("aria-invalid", "true");
        one.setAttribute("aria-describedby", error.id);
      } else {
        one.removeAttribute("aria-invalid");
        one.removeAttribute("aria-describedby");
      }
    }
    return bad;
  }

  function submitted(form, config, shownAt) {
    const button = form.querySelector("button");
    const status = form.querySelector('[role="status"]');
    let last = {};
    return async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      const bad = problemsOf(form);
      if (bad.length) {
        bad[0].focus();
        return;
      }
      const { [HONEYPOT]: trap, ...fields } = valuesOf(form, true);
      const content = JSON.stringify(fields);
      if (last.content !== content) {
        const sent = { submission_id: uuid(), render_token: config.render_token, [HONEYPOT]: trap, ...visit(), fields };
        last = { content, body: JSON.stringify(sent) };
      }
      button.disabled = true;
      status.textContent = "Sending…";
      await pause(Math.max(0, HUMAN_PACE - (performance.now() - shownAt)));
      const outcome = await postWithRetries(last.body);
      button.disabled = false;
      if (outcome === "sent") return thank(form, config);
      status.textContent =
        outcome === "later"
          ? "This could not be sent. Please check your connection and try again: nothing you wrote is lost."
          : "This could not be sent. Please contact us in another way.";
      button.focus();
    };
  }

  function thank(form, config) {
    form.dispatchEvent(new CustomEvent("leadcrm:sent", { bubbles: true }));
    if (/^https?:\/\//i.test(config.thanks_url)) {
      location.assign(config.thanks_url);
      return;
    }
    const message = make("p", { className: "leadcrm-thanks", tabIndex: -1, role: "status" }, config.thanks_message);
    form.replaceWith(message);
    message.focus();
  }

  function build(config) {
    const heading = make("h2", { id: `leadcrm-${++made}-title` }, config.title);
    const form = make("form", { className: "leadcrm-form", noValidate: true, "aria-labelledby": heading.id });
    form.append(heading, ...config.fields.map(control), honeypot());
    form.append(make("button", { type: "submit" }, config.submit_label), make("p", { role: "status" }));
    form.addEventListener("submit", submitted(form, config, performance.now()));
    return form;
  }

  function place(node) {
    if (script.parentNode && script.parentNode !== document.head) script.after(node);
    else document.body.append(node);
  }

  async function render() {
    try {
      const config = await loadConfig();
      dress();
      place(build(config));
    } catch (problem) {
      explain(problem);
      place(make("p", { className: "leadcrm-form" }, make("a", { href: endpoint, rel: "noopener" }, "Open the contact form")));
    }
  }

  /* --- the page that we host: its form works by itself; this adds where the visitor came from --- */

  function enrich(form) {
    const add = (name, value) => {
      if (value === undefined || value === null) return;
      if (typeof value === "object") for (const key of Object.keys(value)) add(`${name}.${key}`, value[key]);
      else form.append(make("input", { type: "hidden", name, value: String(value) }));
    };
    const { first_touch, last_touch, time_zone } = visit();
    Object.entries({ first_touch, last_touch, time_zone }).forEach(([name, value]) => add(name, value));
    for (const group of form.querySelectorAll("fieldset[data-required]")) needOne([...group.querySelectorAll("input")]);
    let isSent = false;
    // Counted from now: the server stamped the form on the way here, however late it answered.
    const shownAt = performance.now();
    form.addEventListener("submit", (event) => {
      const early = HUMAN_PACE - (performance.now() - shownAt);
      if (isSent || early > 0) event.preventDefault();
      if (isSent) return;
      isSent = true;
      form.querySelector("button").disabled = true;
      if (early > 0) setTimeout(() => form.submit(), early);
    });
    window.addEventListener("pageshow", () => {
      isSent = false;
      form.querySelector("button").disabled = false;
    });
  }

  function start() {
    if (options.hosted) enrich(document.querySelector(options.hosted));
    else if (options.form) attach(options.form);
    else render();
    resendPending();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
