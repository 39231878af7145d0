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
    if (text.previousElementSibling?.classList.contains("copy")) continue;
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
    text.before(button);
  }
}

/** Put the page's new rows in place of the old ones, whenever the service says they changed. */
function follow() {
  const live = document.querySelector("[data-live]");
  if (!live || !window.EventSource) return;
  const source = new EventSource(live.dataset.live);
  source.addEventListener("changed", async () => {
    const answer = await fetch(location.href);
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of document.querySelectorAll("[data-live]")) {
      const found = fresh.getElementById(old.id);
      if (!found || old.contains(document.activeElement)) continue;
      localize(found);
      old.replaceChildren(...found.childNodes);
    }
  });
}

localize(document);
offerCopies(document);
follow();
