// What pages gain from a script; each of them works without it.

/** Where the service is: a proxy may have it under a path. */
const BASE = new URL("../", import.meta.url);
const SIGN_IN = new URL("sign-in", BASE).pathname;

/* Times, in the reader's zone. */

const day = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});
const dayAndYear = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false,
});
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const heading = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

/** Write times in the reader's zone; their titles keep the exact UTC. */
function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if ("ago" in time.dataset) {
      time.title = `${exact.format(moment)} (${time.title})`;
      time.lastChild.textContent = `, ${exact.format(moment)}`;
      continue;
    }
    const isThisYear = moment.getFullYear() === new Date().getFullYear();
    time.textContent = (isThisYear ? day : dayAndYear).format(moment);
  }
  for (const table of root.querySelectorAll("[data-days]")) headDays(table.tBodies[0]);
}

/** Put a heading before the first row of each of the reader's days. */
function headDays(body) {
  const model = body.querySelector(".day");
  if (!model) return;
  for (const old of body.querySelectorAll(".day")) old.remove();
  let before = "";
  for (const row of [...body.rows]) {
    const text = heading.format(new Date(row.querySelector("time[data-ago]").dateTime));
    if (text === before) continue;
    before = text;
    const head = model.cloneNode(true);
    head.firstElementChild.textContent = text;
    row.before(head);
  }
}

/** How long ago something was, as the service writes it. */
function ago(moment) {
  const seconds = Math.max(0, Math.round((Date.now() - moment) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

/** Count on what is under way, and how long ago things were. */
function tick() {
  for (const span of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.round((Date.now() - new Date(span.dataset.since)) / 1000));
    const minutes = Math.floor(seconds / 60);
    span.textContent = minutes < 1 ? `${seconds} s`
      : minutes < 60 ? `${minutes} min ${seconds % 60} s`
        : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const text = ago(new Date(time.dateTime));
    if (time.firstChild.data !== text) time.firstChild.data = text;
  }
}

/** Have a screen reader say something, at its next pause. */
function announce(words) {
  document.getElementById("announced").textContent = words;
}

/** Give a copy button to everything that can be copied. */
function offerCopies(root) {
  if (!navigator.clipboard) return;
  for (const text of root.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${text.dataset.copy}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
      announce("Copied");
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    if (text.localName === "p") text.after(button); else text.before(button);
  }
}

/* Open pages follow what they show. */

class SignedOut extends Error {}

/** Fetch a page. Throws SignedOut if the session has ended, and TypeError if the service is away. */
async function pageAt(address, options) {
  const answer = await fetch(address, options);
  if (answer.redirected && new URL(answer.url).pathname === SIGN_IN) throw new SignedOut();
  if (answer.status >= 500) throw new TypeError(answer.statusText);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Put what is new in an element's place; what is ticked and unfolded in it stays so. */
function renew(old, found) {
  const ticked = new Set([...old.querySelectorAll("input:checked")].map((box) => box.value));
  const unfolded = [...old.querySelectorAll("details")].map((one) => one.open);
  const details = found.querySelectorAll("details");
  if (details.length === unfolded.length) {
    details.forEach((one, place) => { one.open = unfolded[place]; });
  }
  for (const box of found.querySelectorAll("input[type=checkbox]")) box.checked = ticked.has(box.value);
  localize(found);
  offerCopies(found);
  old.replaceChildren(...found.childNodes);
  if (found.dataset.live) old.dataset.live = found.dataset.live;
  countTicked();
}

const PAUSE = 2000;
const PAUSE_WHILE_AWAY = 10000;
let source = null;
let waiting = null;
/** Which page is shown: an answer for an earlier one comes too late. */
let shown = 0;

/** Put the page's new rows in place of the old ones, whenever the service says they changed. */
function follow() {
  clearTimeout(waiting);
  source?.close();
  const live = document.querySelector("[data-live]");
  if (!live || !window.EventSource || isPaused()) return;
  source = new EventSource(live.dataset.live);
  source.addEventListener("changed", refresh);
  // The browser asks again by itself, unless it was refused.
  source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) refresh(); });
}

/** Show what has changed, and go on looking; while the service is away, less often. */
async function refresh() {
  source?.close();
  clearTimeout(waiting);
  const ours = shown;
  try {
    const fresh = await pageAt(location.href);
    if (ours !== shown || isPaused()) return;
    const known = new Set(rowIds());
    for (const old of document.querySelectorAll("[data-live]")) refreshOne(old, fresh);
    const added = rowIds().filter((id) => !known.has(id)).length;
    if (added) announce(`${added} new ${added === 1 ? "delivery" : "deliveries"}`);
    notice();
  } catch (error) {
    if (ours !== shown) return;
    if (error instanceof SignedOut) {
      notice("Your session has ended: this page shows no changes any more. ", "Sign in again");
      return;
    }
    notice("Runhook cannot be reached. This page updates by itself once it can.");
    waiting = setTimeout(refresh, PAUSE_WHILE_AWAY);
    return;
  }
  waiting = setTimeout(follow, PAUSE);
}

function rowIds() {
  return [...document.querySelectorAll("tr[data-id]")].map((row) => row.dataset.id);
}

function refreshOne(old, fresh) {
  const found = fresh.getElementById(old.id);
  const here = document.activeElement;
  const focused = here !== old && old.contains(here) ? here : null;
  const again = focused && found && sameIn(found, focused);
  // A focused element stays where it is.
  if (!found || (focused && !again)) return;
  renew(old, found);
  again?.focus({ preventScroll: true });
}

/** Say above the page why it is not up to date; without words, that it is. */
function notice(words = "", link = "") {
  document.getElementById("staleness")?.remove();
  if (!words) return;
  const line = document.createElement("p");
  line.id = "staleness";
  line.className = "error notice";
  line.setAttribute("role", "status");
  document.getElementById("main").prepend(line);
  line.append(words);
  if (!link) return;
  const again = document.createElement("a");
  again.href = location.href;
  again.textContent = link;
  line.append(again);
}

/** Find an element again in the page's new rows. */
function sameIn(root, element) {
  const name = ["href", "value", "aria-label"].find((one) => element.hasAttribute(one));
  return name && [...root.querySelectorAll(element.localName)].find(
    (one) => one.getAttribute(name) === element.getAttribute(name),
  );
}

function isPaused() {
  return sessionStorage.getItem("live") === "off";
}

/** Let people hold an open page still, and let it go on. */
function offerPause() {
  const head = document.querySelector("#main .head, #main h1");
  if (!head || !document.querySelector("[data-live]")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet live";
  button.textContent = "Live";
  const show = () => {
    button.setAttribute("aria-pressed", String(!isPaused()));
    button.title = isPaused() ? "Updates are paused" : "This page updates by itself";
  };
  button.addEventListener("click", () => {
    sessionStorage.setItem("live", isPaused() ? "on" : "off");
    show();
    announce(button.title);
    if (isPaused()) { clearTimeout(waiting); source?.close(); } else refresh();
  });
  show();
  head.append(button);
}

/* The log of deliveries. */

/** Show another part of the log, or another delivery of it, without leaving the page. */
async function show(address, { isNew = true } = {}) {
  const ours = ++shown;
  const left = document.querySelector("tr[aria-current]")?.dataset.id;
  const found = await pageAt(address).catch(() => null);
  if (ours !== shown) return;
  if (!found?.getElementById("split")) { location.assign(address); return; }
  for (const id of ["bulk", "chips", "split"]) {
    const old = document.getElementById(id);
    const part = found.getElementById(id);
    if (!old || !part) continue;
    old.className = part.className;
    renew(old, part);
  }
  for (const words of document.querySelectorAll(".choice > summary > span")) {
    words.textContent = found.getElementById(words.id).textContent;
  }
  if (isNew) history.pushState(null, "", address);
  log = pageShown();
  const panel = document.getElementById("delivery");
  if (panel) panel.focus({ preventScroll: true });
  else if (left) document.querySelector(`tr[data-id="${left}"] th a`)?.focus({ preventScroll: true });
  follow();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-arrows] th a, .panel [rel], .panel .close, .panel .tabs a, #chips a");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (!document.getElementById("split")) return;
  event.preventDefault();
  // What is chosen in the form has to say what the chips say.
  if (link.closest("#chips")) location.assign(link.href); else show(link.href);
});
/** Which part of the log the address names; a link within the page leads to no other. */
const pageShown = () => location.pathname + location.search;
let log = pageShown();
window.addEventListener("popstate", () => {
  if (!document.getElementById("split") || pageShown() === log) return;
  log = pageShown();
  show(location.href, { isNew: false });
});

/** Apply the filters of a log as they are chosen. */
for (const form of document.querySelectorAll("form.filters[data-applied]")) {
  const apply = () => {
    const chosen = [...new FormData(form)].filter(([, value]) => value);
    show(`${form.getAttribute("action")}?${new URLSearchParams(chosen)}`);
  };
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
}

/** Say how many rows are ticked; the bar that does something with them is there while some are. */
function countTicked() {
  const bar = document.getElementById("tick");
  if (!bar) return;
  const count = document.querySelectorAll("[data-arrows] .tick input:checked").length;
  bar.hidden = count === 0;
  bar.querySelector("output").textContent = `${count} selected`;
}
document.addEventListener("change", (event) => {
  if (event.target.matches?.("#every")) {
    for (const box of document.querySelectorAll(".tick input[name]")) box.checked = event.target.checked;
  }
  if (event.target.matches?.(".tick input")) countTicked();
});
document.addEventListener("reset", () => { setTimeout(countTicked); });

/** In the list the arrow keys go from row to row; in the panel, from delivery to delivery. */
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const here = document.activeElement;
  const menu = event.key === "Escape" && here?.closest?.("details.choice[open], details.switcher[open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); return; }
  const panel = document.getElementById("delivery");
  if (panel?.classList.contains("panel") && event.key === "Escape") {
    event.preventDefault();
    show(panel.querySelector(".close").href);
    return;
  }
  if (panel?.classList.contains("panel") && panel.contains(here)) {
    const chosen = { ArrowLeft: "[rel=prev]", ArrowRight: "[rel=next]" }[event.key];
    const link = chosen && !here.matches("pre") && panel.querySelector(chosen);
    if (link) { event.preventDefault(); show(link.href); }
    return;
  }
  const rows = [...document.querySelectorAll("[data-arrows] tbody tr:not(.day)")];
  const place = rows.indexOf(here?.closest?.("[data-arrows] tbody tr"));
  const next = place >= 0 && rows[place + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? NaN)];
  if (next) { event.preventDefault(); next.querySelector("th a").focus(); }
});

/* Forms. */

/** Send a form once, however often its button is pressed. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => { delete form.dataset.sent; }, 5000);
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
});

/** Keep what was typed into a long form while its writer has to sign in again. */
const KEPT = "typed";
const who = document.querySelector("[data-who]")?.dataset.who;
const long = document.querySelector("form[data-kept]");
long?.addEventListener("submit", () => {
  const fields = [...new FormData(long)].filter(([, value]) => typeof value === "string");
  sessionStorage.setItem(KEPT, JSON.stringify({ who, path: location.pathname, fields }));
});
function restoreTyped() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (!kept) return;
  if (location.pathname === SIGN_IN) {
    sessionStorage.setItem(KEPT, JSON.stringify({ ...kept, isLate: true }));
    return;
  }
  sessionStorage.removeItem(KEPT);
  if (!long || !kept.isLate || kept.who !== who || kept.path !== location.pathname) return;
  for (const field of long.elements) {
    const values = kept.fields.filter(([name]) => name === field.name).map(([, value]) => value);
    if (field.type === "checkbox") field.checked = values.includes(field.value);
    else if (values.length && field.type !== "hidden") [field.value] = values;
  }
  const line = document.createElement("p");
  line.className = "notice plain";
  line.tabIndex = -1;
  line.setAttribute("role", "status");
  line.textContent = "Your session had ended, so nothing was saved. What you had typed is here again.";
  long.before(line);
  line.focus();
  showTyped();
}

/** Keep what stands beside a form as it would be sent: its sample, and what matches a search. */
let asked = 0;
let due = null;
async function showTyped() {
  const ours = ++asked;
  const sent = new URLSearchParams(new FormData(long));
  sent.set("do", "sample");
  const found = await pageAt(location.href, { method: "POST", body: sent }).catch(() => null);
  if (ours !== asked) return;
  for (const id of ["sample", "jobs", "projects", "environments"]) {
    const old = document.getElementById(id);
    const part = found?.getElementById(id);
    if (old && part && !old.contains(document.activeElement)) renew(old, part);
  }
}
if (document.getElementById("sample")) {
  long.addEventListener("input", () => { clearTimeout(due); due = setTimeout(showTyped, 400); });
}
document.getElementById("job_search")?.addEventListener("keydown", (event) => {
  if (event.key === "Enter") { event.preventDefault(); showTyped(); }
});

/** Check an endpoint as soon as it is typed, as the button does. */
for (const input of document.querySelectorAll("[data-check]")) {
  const field = input.closest(".field");
  const state = document.createElement("p");
  state.className = "hint state-line";
  state.setAttribute("role", "status");
  field.append(state);
  input.addEventListener("change", async () => {
    if (!input.value.trim()) { state.textContent = ""; return; }
    state.textContent = "Checking…";
    const sent = new URLSearchParams(new FormData(input.form));
    sent.set("do", "check");
    const checked = await pageAt(location.href, { method: "POST", body: sent }).catch(() => null);
    const error = checked?.getElementById(`${input.id}-error`);
    document.getElementById(`${input.id}-error`)?.remove();
    input.toggleAttribute("aria-invalid", false);
    state.classList.toggle("bad", Boolean(error));
    if (error) input.setAttribute("aria-invalid", "true");
    state.textContent = error ? error.textContent : checked ? "This address can be used." : "";
  });
}

/** Close a menu when somebody goes elsewhere. */
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.choice[open], details.switcher[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

/** dbt Cloud's old addresses name their page behind a #, which only a script can read. */
if (location.hash.startsWith("#/accounts/")) location.replace(new URL(location.hash.slice(2), BASE));

localize(document);
offerCopies(document);
offerPause();
countTicked();
restoreTyped();
follow();
setInterval(tick, 1000);
