// What every page does: send each form once, poll quietly while the page is seen, filter lists as one types.

/** Let a form with data-once be sent once; the browser's back button opens it again. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-disabled", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
});

/** Bring the first wrong field into view and focus after a refused post. */
document.querySelector("main [aria-invalid=true]")?.focus();

/** Tell whether somebody is typing or choosing inside an element, so that nothing is swapped away under the hands. */
function busy(element) {
  const active = document.activeElement;
  return element.contains(active) && active.matches("input:not([type=hidden]), select, textarea");
}

/** Ask elements with data-tick (seconds) to refresh themselves; the server answers 204 when nothing changed. */
let seconds = 0;
setInterval(() => {
  seconds += 1;
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-tick]")) {
    if (seconds % Number(element.dataset.tick) === 0 && !busy(element)) element.dispatchEvent(new Event("tick"));
  }
  for (const element of document.querySelectorAll("[data-change-token-every]")) {
    if (seconds % Number(element.dataset.changeTokenEvery) === 0) checkChangeToken(element);
  }
}, 1000);

const digests = new Map();
document.addEventListener("htmx:configRequest", (event) => {
  const digest = digests.get(event.detail.path);
  if (digest && event.detail.elt.matches("[data-tick]")) event.detail.headers["X-Seen"] = digest;
});
document.addEventListener("htmx:afterRequest", (event) => {
  const digest = event.detail.xhr.getResponseHeader("X-Digest");
  if (digest) digests.set(event.detail.requestConfig.path, digest);
  else if (event.detail.requestConfig.verb !== "get") digests.clear();
});

/** Reload the living parts of a page once its change token differs; other scripts hear "case-changed" as well. */
async function checkChangeToken(element) {
  try {
    const answer = await fetch(element.dataset.changeTokenUrl, { headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) return;
    const { change_token: token } = await answer.json();
    if (token === element.dataset.changeToken || busy(document.querySelector("#margin") ?? element)) return;
    element.dataset.changeToken = token;
    element.dispatchEvent(new Event("refresh"));
    document.dispatchEvent(new Event("case-changed"));
  } catch {
    // The next beat tries again.
  }
}

/** Narrow a list while one types; without this script the form's own search does it. */
for (const input of document.querySelectorAll("[data-filter]")) {
  const target = document.querySelector(input.dataset.filter);
  const fold = (text) => text.normalize("NFKC").toLowerCase();
  const narrow = () => {
    const words = fold(input.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const group of target.querySelectorAll("[data-filter-group]")) {
      let shown = 0;
      for (const line of group.querySelectorAll("[data-filter-text]")) {
        line.hidden = !words.every((word) => fold(line.dataset.filterText).includes(word));
        shown += line.hidden ? 0 : 1;
      }
      group.hidden = shown === 0;
      found += shown;
    }
    document.querySelector("#item-none").hidden = found > 0;
  };
  input.addEventListener("input", narrow);
}
