// What pages gain from a script; each of them works without it.

const day = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});
const dayAndYear = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false,
});

/** Write times in the reader's zone; their titles keep the exact UTC. */
function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const isThisYear = moment.getFullYear() === new Date().getFullYear();
    time.textContent = (isThisYear ? day : dayAndYear).format(moment);
  }
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
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    if (text.localName === "p") text.after(button); else text.before(button);
  }
}

/** Count on what is under way. */
function tick() {
  for (const span of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.round((Date.now() - new Date(span.dataset.since)) / 1000));
    const minutes = Math.floor(seconds / 60);
    span.textContent = minutes < 1 ? `${seconds} s`
      : minutes < 60 ? `${minutes} min ${seconds % 60} s`
        : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
}

class SignedOut extends Error {}

/** Fetch a page. Throws SignedOut if the session has ended, and TypeError if the service is away. */
async function pageAt(address, options) {
  const answer = await fetch(address, options);
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") throw new SignedOut();
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
  if (!live || !window.EventSource) return;
  source = new EventSource(live.dataset.live);
  source.addEventListener("changed", refresh);
  // The browser asks again by itself, unless it was refused.
  source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) refresh(); });
}

/** Show what has changed, and go on looking; while the service is away, less often. */
async function refresh() {
  source.close();
  clearTimeout(waiting);
  const ours = shown;
  try {
    const fresh = await pageAt(location.href);
    if (ours !== shown) return;
    for (const old of document.querySelectorAll("[data-live]")) refreshOne(old, fresh);
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

/** Show another delivery of the list, or none, without leaving the page. */
async function open(address) {
  const ours = ++shown;
  const old = document.getElementById("split");
  const found = await pageAt(address).then((page) => page.getElementById("split"), () => null);
  if (ours !== shown) return;
  if (!old || !found) { location.assign(address); return; }
  old.className = found.className;
  renew(old, found);
  history.pushState(null, "", address);
  const panel = document.getElementById("delivery");
  (panel ?? old.querySelector("[data-arrows] th a"))?.focus({ preventScroll: true });
  if (panel) { panel.scrollTop = 0; panel.scrollIntoView({ block: "nearest" }); }
  follow();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-arrows] th a, .panel [rel], .panel .close, .panel .tabs a");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  open(link.href);
});

/** In the list the arrow keys go from row to row; in the panel, from delivery to delivery. */
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const panel = document.getElementById("delivery");
  if (panel?.classList.contains("panel") && panel.contains(document.activeElement)) {
    const chosen = { ArrowLeft: "[rel=prev]", ArrowRight: "[rel=next]", Escape: ".close" }[event.key];
    const link = chosen && !document.activeElement.matches("pre") && panel.querySelector(chosen);
    if (link) { event.preventDefault(); open(link.href); }
    return;
  }
  const row = document.activeElement?.closest?.("[data-arrows] tbody tr");
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  const next = row && step && row[step];
  if (next) { event.preventDefault(); next.querySelector("th a").focus(); }
});
window.addEventListener("popstate", () => { if (document.getElementById("split")) location.reload(); });

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
if (location.hash.startsWith("#/accounts/")) location.replace(location.hash.slice(1));

localize(document);
offerCopies(document);
follow();
setInterval(tick, 1000);
